"""Launch pairs per second: the bridge beside its peers, and beside what its parts alone cost."""

from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import servers
from .databases import databases
from .figures import Figure, Target, measure, show, show_head
from .peer_ltijs import ltijs

CLIENTS = 4


@dataclass
class Turn:
    """One server that is loaded in every run."""

    figure: Figure
    target: Target


def measure_launches(directory: Path, seconds: float, runs: int) -> tuple[dict[str, Any], bool]:
    """Return what was found, and whether any server failed. The peers take turns with the bridge,
    so that a machine that slows down slows all of them."""
    key = directory / "platform.pem"
    with ExitStack() as held:
        stub = held.enter_context(servers.stub(key, directory / "stub.log"))
        turns: list[Turn] = []

        def add(name: str, url: str, **rest: Any) -> None:
            turns.append(Turn(Figure(name), Target(url, stub, key, **rest)))

        add("PyLTI1p3", held.enter_context(servers.peer(stub, directory / "peer.log")))
        if url := held.enter_context(ltijs(stub, directory / "ltijs.log")):
            add("ltijs, postgresql", url, login_path="/login", launch_path="/")
        for database, address in databases(held, directory / "floor"):
            log = directory / f"floor-{database}.log"
            tool = held.enter_context(servers.floor(stub, address, log))
            add(f"floor, {database}, first launches", tool)
            add(f"floor, {database}, later launches", tool, fresh=False)
        pids = {}
        for database, address in databases(held, directory):
            tool, pid = held.enter_context(servers.bridge(stub, address, directory / database))
            add(f"bridge, {database}, first launches", tool)
            add(f"bridge, {database}, later launches", tool, fresh=False)
            pids[database] = pid
        for _ in range(runs):
            for turn in turns:
                measure(turn.figure, turn.target, seconds, CLIENTS)
        memory = {name: servers.resident_megabytes(pid) for name, pid in pids.items()}
    figures = [turn.figure for turn in turns]
    show_head(f"launch pairs, {CLIENTS} clients")
    show(figures, figures[0])
    for name, megabytes in memory.items():
        print(f"web worker after the load, {name}: {megabytes:.0f} MB")
    rows = [asdict(figure) | {"ratio": figure.rate / figures[0].rate} for figure in figures]
    return {"figures": rows, "worker_megabytes": memory}, any(f.failures for f in figures)
