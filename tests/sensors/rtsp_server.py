"""A small RTSP camera for tests: H.264 over TCP, RTCP sender reports, a password, and troubles on command.

Each picture carries its capture time in milliseconds as 48 black or white squares, so that a test can compare the time
that the reader tells with the time that the picture shows.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import struct
import threading
import time
from fractions import Fraction

import av
import numpy as np

NOISE = 3.0  # grey levels
NTP_UNIX = 2_208_988_800  # seconds from 1900 to 1970
WIDTH, HEIGHT, SQUARE, BITS = 192, 144, 16, 48


def drawn(at_ms: int, seed: int) -> np.ndarray:
    """A grey picture [height, width] that shows a time, with a sensor's noise below it."""
    picture = np.full((HEIGHT, WIDTH), 110, np.uint8)
    for bit in range(BITS):
        row, column = divmod(bit, WIDTH // SQUARE)
        value = 235 if at_ms >> bit & 1 else 20
        picture[row * SQUARE : (row + 1) * SQUARE, column * SQUARE : (column + 1) * SQUARE] = value
    noise = np.random.default_rng(seed).normal(0, NOISE, picture.shape)
    return np.clip(np.round(picture + noise), 0, 255).astype(np.uint8)


def shown_ms(grey: np.ndarray) -> int:
    """The time that a picture shows."""
    value = 0
    for bit in range(BITS):
        row, column = divmod(bit, WIDTH // SQUARE)
        value |= int(grey[row * SQUARE + SQUARE // 2, column * SQUARE + SQUARE // 2] > 128) << bit
    return value


class RtspCamera:
    """Serves until `stop()`; attributes may be changed while it serves.

    `frozen` sends the last picture again, `silent` nothing at all; `kill()` closes every connection in order, as a
    camera does that restarts. `delay_s` is between capture and sending, `clock_off_s` the error of the camera's clock.
    """

    def __init__(
        self, *, password: str = "", rate_hz: float = 20.0, reports: bool = True, keys: int = 10, port: int = 0
    ) -> None:
        self.password, self.rate_hz, self.reports, self.keys = password, rate_hz, reports, keys
        self.frozen = self.silent = False
        self.reordered = 0  # B-frames in a row: pictures that are sent after one shown later
        self.delay_s = self.clock_off_s = 0.0
        self.connections = 0
        self._open: list[socket.socket] = []
        self._stopped = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", port))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def url(self, password: str | None = None, path: str = "cam") -> str:
        """Where it serves."""
        word = self.password if password is None else password
        return f"rtsp://{f'operator:{word}@' if word else ''}127.0.0.1:{self.port}/{path}"

    def kill(self) -> None:
        """Every connection ends."""
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._open.clear()

    def stop(self) -> None:
        """No new connections either."""
        self._stopped.set()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.kill()

    def _serve(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            kept = b""
            while True:
                while b"\r\n\r\n" not in kept:
                    more = connection.recv(4096)
                    if not more:
                        return
                    kept += more
                while kept[:1] == b"$":  # receiver reports
                    size = 4 + struct.unpack(">H", kept[2:4])[0]
                    kept = kept[size:]
                head, _, kept = kept.partition(b"\r\n\r\n")
                if head:
                    self._reply(connection, head.decode())

    def _reply(self, connection: socket.socket, head: str) -> None:
        first, *lines = head.split("\r\n")
        method, url, _ = first.split(" ")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        extra, body, status = "", "", "200 OK"
        wanted = "Basic " + base64.b64encode(f"operator:{self.password}".encode()).decode()
        if self.password and method != "OPTIONS" and fields.get("authorization") != wanted:
            status, extra = "401 Unauthorized", 'WWW-Authenticate: Basic realm="camera"\r\n'
        elif method == "DESCRIBE" and not url.rstrip("/").endswith("/cam"):
            status = "404 Not Found"
        elif method == "OPTIONS":
            extra = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER\r\n"
        elif method == "DESCRIBE":
            extra = "Content-Type: application/sdp\r\n"
            body = (
                "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
                "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:trackID=0\r\n"
            )
        elif method == "SETUP":
            extra = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
        answer = f"RTSP/1.0 {status}\r\nCSeq: {fields['cseq']}\r\nSession: 1\r\n{extra}"
        connection.sendall(f"{answer}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        if method == "PLAY" and status.startswith("200"):
            self.connections += 1
            threading.Thread(target=self._stream, args=(connection,), daemon=True).start()

    def _stream(self, connection: socket.socket) -> None:
        encoder = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        encoder.time_base = Fraction(1, 90_000)
        order = f"bframes={self.reordered}:b-adapt=0:rc-lookahead=0:sync-lookahead=0:threads=1"
        encoder.options = {"preset": "ultrafast", "x264-params": f"keyint={self.keys}:scenecut=0:{order}"}
        sequence, begun, picture, number = 0, time.time(), None, 0
        with contextlib.suppress(OSError):
            while not self._stopped.is_set():
                due = begun + number / self.rate_hz
                time.sleep(max(0.0, due - time.time()))
                number += 1
                if self.silent:
                    continue
                if picture is None or not self.frozen:
                    picture = drawn(round(due * 1000), number)
                stamp = round((due - begun) * 90_000)
                frame = av.VideoFrame.from_ndarray(picture, format="gray").reformat(format="yuv420p")
                frame.pts = stamp
                if self.reports and number % 5 == 1:
                    self._send(connection, 1, _report(due + self.clock_off_s, stamp))
                time.sleep(max(0.0, due + self.delay_s - time.time()))
                for packet in encoder.encode(frame):
                    units = [unit for unit in bytes(packet).replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if unit]
                    for place, unit in enumerate(units):
                        for payload, last in _payloads(unit):
                            end = last and place == len(units) - 1
                            sequence = (sequence + 1) & 0xFFFF
                            head = struct.pack(">BBHII", 0x80, 96 | (0x80 if end else 0), sequence, packet.pts, 7)
                            self._send(connection, 0, head + payload)

    @staticmethod
    def _send(connection: socket.socket, channel: int, data: bytes) -> None:
        connection.sendall(struct.pack(">cBH", b"$", channel, len(data)) + data)


def _report(at_s: float, stamp: int) -> bytes:
    """An RTCP sender report (RFC 3550 §6.4.1) and the description that must follow it."""
    seconds = int(at_s)
    ntp = (seconds + NTP_UNIX, int((at_s - seconds) * 2**32))
    report = struct.pack(">BBHIIIIII", 0x80, 200, 6, 7, *ntp, stamp & 0xFFFFFFFF, 0, 0)
    return report + struct.pack(">BBHI", 0x81, 202, 2, 7) + b"\1\1x\0"


def _payloads(unit: bytes, most: int = 1_400) -> list[tuple[bytes, bool]]:
    """A NAL unit as RTP payloads (RFC 6184): whole, or in fragments FU-A."""
    if len(unit) <= most:
        return [(unit, True)]
    kind, body = unit[0], unit[1:]
    cuts = range(0, len(body), most)
    found = []
    for cut in cuts:
        begin, end = cut == 0, cut + most >= len(body)
        head = bytes(((kind & 0x60) | 28, (0x80 if begin else 0) | (0x40 if end else 0) | (kind & 0x1F)))
        found.append((head + body[cut : cut + most], end))
    return found
