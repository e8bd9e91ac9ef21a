"""Several machines on one: each is a network namespace with an address, and sees other files than the rest.

Needs Linux, root and iproute2. All traffic stays inside the namespaces, which are removed at the end.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

_NETWORK = "10.77.0"
# Names are resolved from the file of hosts alone.
_ENTER = (
    'echo "$0" > /proc/sys/kernel/hostname && '
    'mount --bind {hosts} /etc/hosts && mount --bind /dev/null /etc/resolv.conf && {hide}exec "$@"'
)
_PEAK = re.compile(r"VmHWM:\s*(\d+) kB")
_HIDE = "mount -t tmpfs tmpfs {folder} && "


class Machine:
    """A machine on a network. For each of its processes, the folder `hidden` is an empty one of their own."""

    def __init__(self, network: str, name: str, number: int, hosts: Path, hidden: Path | None) -> None:
        self.name = name
        self.address = f"{_NETWORK}.{number}"
        self._namespace = f"{network}-{name}"
        self._switch = f"{network}-switch"
        self._port = f"port{number}"
        self._ticks: dict[int, int] = {}
        self._peaks: dict[int, tuple[str, int]] = {}
        hide = "" if hidden is None else _HIDE.format(folder=shlex.quote(str(hidden)))
        self._enter = _ENTER.format(hosts=shlex.quote(str(hosts)), hide=hide)

    def connect(self) -> None:
        """Link the machine to the switch."""
        _ip("-n", self._switch, "link", "add", self._port, "type", "veth", "peer", "eth0", "netns", self._namespace)
        _ip("-n", self._switch, "link", "set", self._port, "master", "switch", "up")
        _ip("-n", self._namespace, "address", "add", f"{self.address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", self._namespace, "link", "set", device, "up")

    def command(self, *words: object) -> list[str]:
        """A command as a command that runs it on this machine."""
        enter = ["ip", "netns", "exec", self._namespace, "unshare", "--uts", "sh", "-c", self._enter, self.name]
        return [*enter, *map(str, words)]

    def start(self, *words: object, log: IO[bytes], **settings: object) -> subprocess.Popen[bytes]:
        """Start a command with some environment variables and its output in a log."""
        environment = {**os.environ, **{name: str(value) for name, value in settings.items()}}
        return subprocess.Popen(self.command(*words), stdout=log, stderr=log, env=environment)

    def processes(self) -> list[int]:
        """The process ids on this machine."""
        own = Path(f"/run/netns/{self._namespace}").stat().st_ino
        return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _network_of(entry) == own]

    def observe(self) -> None:
        """Note what each process of the machine has spent until now; to be called often."""
        for process in self.processes():
            with suppress(OSError):
                name, _, status = Path(f"/proc/{process}/stat").read_text("utf-8").partition("(")[2].rpartition(")")
                self._ticks[process] = sum(map(int, status.split()[11:13]))
                if peak := _PEAK.search(Path(f"/proc/{process}/status").read_text("utf-8")):
                    self._peaks[process] = name, int(peak[1])

    @property
    def processor_seconds(self) -> float:
        """CPU seconds of all processes that were observed, each until it was last observed."""
        return sum(self._ticks.values()) / os.sysconf("SC_CLK_TCK")

    def peak_memory(self, earlier: Collection[int] = ()) -> dict[str, float]:
        """The most memory in MiB that a process of each program held, `earlier` processes left out."""
        found: dict[str, float] = {}
        for process, (name, peak) in self._peaks.items():
            if process not in earlier:
                found[name] = max(found.get(name, 0), peak / 1024)
        return found

    @property
    def received(self) -> int:
        """Bytes that have come from other machines."""
        counter = "/sys/class/net/eth0/statistics/rx_bytes"
        return int(subprocess.run(self.command("cat", counter), check=True, capture_output=True, text=True).stdout)

    def vanish(self) -> None:
        """Cut the machine off the network, so that nobody is told, and kill all that runs on it."""
        _ip("-n", self._switch, "link", "set", self._port, "down")
        self.stop()

    def stop(self) -> None:
        """Kill all that runs on the machine."""
        for process in self.processes():
            os.kill(process, signal.SIGKILL)


@contextmanager
def machines(hidden: Mapping[str, Path | None], folder: Path) -> Iterator[dict[str, Machine]]:
    """Machines on a network of their own, by name, each with the folder that it does not see. `folder` gets their file
    of hosts."""
    network = f"ecqm{os.getpid()}"
    hosts = folder / "hosts"
    every = {
        name: Machine(network, name, number, hosts, its_hidden)
        for number, (name, its_hidden) in enumerate(hidden.items(), 2)
    }
    lines = ["127.0.0.1 localhost", *(f"{machine.address} {name}" for name, machine in every.items())]
    hosts.write_text("\n".join(lines) + "\n", "utf-8")
    with ExitStack() as stack:
        switch = _namespace(f"{network}-switch", stack)
        _ip("-n", switch, "link", "add", "switch", "type", "bridge")
        _ip("-n", switch, "link", "set", "switch", "up")
        for name, machine in every.items():
            _namespace(f"{network}-{name}", stack)
            stack.callback(machine.stop)
            machine.connect()
        yield every


def _network_of(process: Path) -> int | None:
    """The inode of the network namespace of a process; None if the process has ended."""
    try:
        return (process / "ns" / "net").stat().st_ino
    except OSError:
        return None


def _namespace(name: str, stack: ExitStack) -> str:
    _ip("netns", "add", name)
    stack.callback(_ip, "netns", "delete", name)
    return name


def _ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout
