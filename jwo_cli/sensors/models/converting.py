"""Weights that are published in another form, as ONNX: which forms are known, and which members they need.

Conversions give the same bytes every time, so that what comes out has a checksum in the registry like any other model.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from jwo_cli.model.findings import UserError
from jwo_cli.sensors.models.from_tfjs import convert
from jwo_cli.sensors.models.from_torch import mobilenetv2
from jwo_cli.sensors.models.tfjs_graph import weight_files


class Form(StrEnum):
    """How weights lie in an archive."""

    TENSORFLOW_JS = "tensorflow-js"  # the member is the .json; its weights lie beside it
    PYTORCH_MOBILENETV2 = "pytorch-mobilenetv2"  # the member is the .pt


def converted(form: str, member: str, read: Callable[[str], bytes]) -> bytes:
    """The ONNX file of a member that `read` gives by its name. Raises UserError where the form is not known."""
    content = read(member)
    match form:
        case Form.TENSORFLOW_JS:
            folder = member.rpartition("/")[0]
            names = [f"{folder}/{name}" if folder else name for name in weight_files(content)]
            return convert(content, b"".join(read(name) for name in names))
        case Form.PYTORCH_MOBILENETV2:
            return mobilenetv2(content)
        case _:
            raise UserError(f"weights as {form} cannot be converted here", fix=f"Known: {', '.join(Form)}.")
