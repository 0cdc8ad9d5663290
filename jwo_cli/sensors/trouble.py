"""What can be wrong with a camera: one closed list, one error type, one sentence each with what to do.

FFmpeg's exceptions carry the address with its password and mean little to a shop. They are translated here, at the only
place that sees them, and never chained.
"""

from __future__ import annotations

from enum import StrEnum

from jwo_cli.model.findings import UserError

from .redaction import redact


class Trouble(StrEnum):
    """Why there are no pictures."""

    UNREACHABLE = "unreachable"  # nobody answers at that address
    REFUSED = "refused"  # user or password are wrong
    NOT_FOUND = "not_found"  # the device or file is there no more, or the path on it is wrong
    SILENT = "silent"  # connected, and nothing comes
    ENDED = "ended"  # a live stream came to a clean end: a camera that loses power looks like this
    FROZEN = "frozen"  # pictures come, and they are the same ones
    DAMAGED = "damaged"  # data comes that is no picture
    NO_VIDEO = "no_video"  # there is no video in it


_FIX = {
    Trouble.UNREACHABLE: "Check power, cable and network, and the host and port in its address.",
    Trouble.REFUSED: "Check user and password in its address (special characters need percent signs, @ is %40).",
    Trouble.NOT_FOUND: "Check the path behind the host in its address, or the file or device name.",
    Trouble.SILENT: "Check the network and how many others watch this camera; it is tried again.",
    Trouble.ENDED: "Check its power and network; it is tried again.",
    Trouble.FROZEN: "Restart the camera if it does not come back by itself; it is tried again.",
    Trouble.DAMAGED: "Check the network (lost packets), or choose H.264 or MJPEG in the camera's settings.",
    Trouble.NO_VIDEO: "Name a video file or a camera's video stream.",
}


class CameraError(UserError):
    """A camera or a video that gives no pictures; `kind` says why, `problem` without its password.

    Exit code 3 for a camera (unavailable), 2 for a file (the wrong one was named).
    """

    def __init__(self, name: str, kind: Trouble, problem: str, *, address: str = "") -> None:
        code = 3 if _is_camera(address) else 2
        super().__init__(redact(f"camera {name}: {problem}", address), fix=_FIX[kind], exit_code=code)
        self.kind = kind


def translated(name: str, address: str, error: Exception) -> CameraError:
    """FFmpeg's exception as ours."""
    import av

    kinds: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Trouble, str], ...] = (
        ((av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError), Trouble.REFUSED, "it refuses user or password"),
        (av.error.HTTPNotFoundError, Trouble.NOT_FOUND, "it knows no stream of that path"),
        ((av.error.ExitError, av.error.TimeoutError, TimeoutError), Trouble.SILENT, "nothing comes from it"),
        ((av.error.FileNotFoundError, FileNotFoundError), Trouble.NOT_FOUND, "there is no such file or device"),
        ((av.error.PermissionError, PermissionError), Trouble.REFUSED, "the system gives no access to it"),
        ((av.error.EOFError, EOFError), Trouble.ENDED, "its stream ended"),
        (av.error.HTTPError, Trouble.REFUSED, "it answers with an error"),
        ((ConnectionError, av.error.OSError, OSError), Trouble.UNREACHABLE, "it cannot be reached"),
    )
    for types, kind, words in kinds:
        if isinstance(error, types):
            return CameraError(name, kind, words, address=address)
    if not _is_camera(address):
        return CameraError(name, Trouble.NO_VIDEO, f"{address} is no video that can be read", address=address)
    return CameraError(name, Trouble.DAMAGED, f"its data cannot be read ({type(error).__name__})", address=address)


def _is_camera(address: str) -> bool:
    """Whether somebody else than the person at the keyboard may be the cause: a device or a network, no file."""
    return "://" in address or address.startswith("/dev/")
