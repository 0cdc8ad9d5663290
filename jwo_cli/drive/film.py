"""From pixels to receipts: a simulated morning is filmed, and the store has nothing but the films, codes and scales.

The play gives the plates' weights and the truth. Everything about people comes from video files (key points or boxes,
tracking over the cameras, hands where a model shows them), and who they are from the phones before the gate's camera.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from jwo_cli.drive.eyes import CameraEyes, Models, open_models, watch_videos
from jwo_cli.drive.replay import replay
from jwo_cli.estimate.camera import store_views
from jwo_cli.estimate.signals import CodeRead, IdentityTold, PoseFrame, Signal, WeightBatch
from jwo_cli.model.decisions import ReceiptIssued, Settlement
from jwo_cli.model.entering import AccountOpened, Role
from jwo_cli.model.layout import Store
from jwo_cli.recordings import open_recording, write_recording
from jwo_cli.sensors.background import BackgroundDetector
from jwo_cli.sensors.filming import FilmWriter
from jwo_cli.sensors.gate_codes import GateReader
from jwo_cli.sensors.qr import modules
from jwo_cli.shop.entry_code import EntryKeys, account_key, account_reference, make_code
from jwo_cli.shop.gatekeeper import Admitted, Gatekeeper
from jwo_cli.synthetic.film.optics import with_lenses
from jwo_cli.synthetic.film.phones import show_phone
from jwo_cli.synthetic.film.shooting import FPS, shoot
from jwo_cli.synthetic.sample import START_NS
from jwo_cli.synthetic.scenes import film_script, film_store
from jwo_cli.synthetic.scripts import Script
from jwo_cli.synthetic.simulate import Simulated, simulate

WIDTH_PX = 640
PHONE_FRAMES = 4
_KEY = b"only for films of invented shoppers"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmShown:
    """What came of it. `eyes` says what looked at the pictures; times are wall clock, seconds.

    `receipts_right` counts visits whose best estimate is exactly what was taken, `settled` receipts that charge
    somebody and asked nobody, and `settled_right` those of them that are right.
    """

    visits: int
    receipts_right: int
    settled: int
    settled_right: int
    codes_shown: int
    codes_read: int
    people_seen: int
    frames: int
    eyes: str
    film_s: float
    filming_s: float
    looking_s: float
    receipts: tuple[ReceiptIssued, ...]


def film_demo(
    folder: Path,
    *,
    seed: int,
    say: Callable[[str], None],
    network: bool = False,
    script: Script | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> FilmShown:
    """Films a play into `folder`, looks at the films, replays what was seen, compares receipts with the truth.

    `progress` is told shares of the whole as they are done. With `network`, raises UserError without weights.
    """
    store = with_lenses(film_store(), width_px=WIDTH_PX)
    play = simulate(store, script or film_script(seed))
    accounts = {visit.account: number for number, visit in enumerate(play.visits) if visit.account is not None}
    began = time.monotonic()
    files, frames = _film(store, play, folder, seed, progress)
    filmed = time.monotonic()
    say(f"{play.duration_s:.0f} s of {len(store.cameras)} cameras filmed: {', '.join(map(str, files.values()))}")
    codes, shown = _codes(store, play, accounts, seed)
    models, words = _models(store, network=network)
    told = _looked(CameraEyes(store, models), files, frames, progress)
    looked = time.monotonic()
    signals = _arranged(play, codes, told)
    target = folder / "recording"
    write_recording(target, name="film", store=store, start_ns=START_NS, staff=(), signals=signals)
    result = replay(open_recording(target))
    names = {account_reference(number): name for name, number in accounts.items()}
    truth = {visit.account: visit.items for visit in play.visits}
    right = sum(_right(items, account, result.receipts, names) for account, items in truth.items())
    settled = [
        (names[receipt.account], receipt)
        for receipt in result.receipts
        if receipt.settled is Settlement.AUTOMATIC and receipt.account is not None
    ]
    good = [receipt for who, receipt in settled if _right(truth[who], who, [receipt], names)]
    return FilmShown(
        visits=len(play.visits),
        receipts_right=right,
        settled=len(settled),
        settled_right=len(good),
        codes_shown=shown,
        codes_read=len(codes),
        people_seen=len({who.track_id for one in told if isinstance(one, PoseFrame) for who in one.people}),
        frames=frames,
        eyes=words,
        film_s=play.duration_s,
        filming_s=round(filmed - began, 2),
        looking_s=round(looked - filmed, 2),
        receipts=result.receipts,
    )


def _film(
    store: Store, play: Simulated, folder: Path, seed: int, progress: Callable[[float], None]
) -> tuple[dict[str, Path], int]:
    folder.mkdir(parents=True, exist_ok=True)
    files = {camera.camera_id: folder / f"{camera.camera_id}.mp4" for camera in store.cameras}
    frames = 0
    with ExitStack() as open_files:
        writers = {
            camera.camera_id: open_files.enter_context(
                FilmWriter(
                    files[camera.camera_id],
                    width_px=camera.width_px,
                    height_px=camera.height_px,
                    start_ns=START_NS,
                )
            )
            for camera in store.cameras
        }
        for shot in shoot(store, play.stage, start_ns=START_NS, duration_s=play.duration_s, seed=seed):
            writers[shot.camera_id].write(shot.image, shot.at_ns)
            frames += 1
            progress(0.4 / (play.duration_s * FPS * len(writers)))
    return files, frames


def _codes(store: Store, play: Simulated, accounts: Mapping[str, int], seed: int) -> tuple[list[CodeRead], int]:
    """Each shopper shows a phone with a fresh code to the gate's camera; what is read is checked like at any gate."""
    keeper = Gatekeeper(store.store_id, EntryKeys(current=_KEY), needs_payment=False)
    readers: dict[str, GateReader] = {}
    admitted, shown = [], 0
    for signal in play.signals:
        if not isinstance(signal, CodeRead):
            continue
        shown += 1
        account = account_reference(accounts[signal.account])
        keeper.saw(AccountOpened(at_ns=START_NS, account=account, role=Role.SHOPPER, commitment=""))
        key = account_key(_KEY, store.store_id, account)
        picture = modules(make_code(key, store_id=store.store_id, account=account, at_ns=signal.at_ns))
        reader = readers.setdefault(signal.gate_id, GateReader())
        for number in range(PHONE_FRAMES):
            at_ns = signal.at_ns + number * 100_000_000
            for code in reader.read(show_phone(picture, seed=seed * 1_000 + shown * 10 + number)):
                decided = keeper.decide(code.text, at_ns=at_ns, gate_id=signal.gate_id)
                if isinstance(decided, Admitted):
                    admitted.append(
                        CodeRead(at_ns=at_ns, gate_id=signal.gate_id, account=account, code_id=decided.code_id)
                    )
    return admitted, shown


def _models(store: Store, *, network: bool) -> tuple[Models, str]:
    """What looks: each camera's backdrop, which needs no weights, or with `network` the best that are here."""
    if network:
        models = open_models(store)
        return models, models.words
    return Models(by_camera={name: BackgroundDetector(view) for name, view in store_views(store).items()}), "backdrop"


def _looked(
    eyes: CameraEyes, files: Mapping[str, Path], frames: int, progress: Callable[[float], None]
) -> list[PoseFrame | IdentityTold]:
    told: list[PoseFrame | IdentityTold] = []
    for seen in watch_videos(eyes, files, start_ns=START_NS):
        told += seen.signals()
        progress(0.6 * len(files) / frames)
    return told


def _arranged(play: Simulated, codes: list[CodeRead], told: list[PoseFrame | IdentityTold]) -> list[Signal]:
    """Weights of the play, codes and people of the films, in order of time."""
    weights = (signal for signal in play.signals if isinstance(signal, WeightBatch))
    signals: list[tuple[int, Signal]] = [(batch.end_ns, batch) for batch in weights]
    signals += [(code.at_ns, code) for code in codes]
    signals += [(one.at_ns, one) for one in told]
    return [signal for _, signal in sorted(signals, key=lambda item: item[0])]


def _right(
    items: tuple[tuple[str, int], ...],
    account: str | None,
    receipts: Sequence[ReceiptIssued],
    names: Mapping[str, str],
) -> bool:
    """Whether the account's receipts together say exactly what was taken."""
    lines: dict[str, int] = {}
    for receipt in receipts:
        if receipt.account is not None and names.get(receipt.account) == account:
            for line in receipt.lines:
                lines[line.product_id] = lines.get(line.product_id, 0) + line.quantity
    return sorted(lines.items()) == sorted(items)
