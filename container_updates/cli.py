"""The plugin as a process: arguments in, one report on stdout, an exit code out."""

import gc
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from importlib.util import find_spec
from typing import NoReturn

from container_updates.clock import Clock, Deadline
from container_updates.errors import CheckError
from container_updates.options import parser
from container_updates.report.text import failure
from container_updates.settings import Settings

_UNKNOWN = 3
_NEEDED = ("nagiosplugin", "docker", "requests")
"""Looked for before the check begins: a thread that misses one could only say so of its own engine."""


def process() -> NoReturn:
    """Be the plugin, and end without taking the interpreter apart, which takes as long as a cached check's work.

    Nothing is left to do by then: what has to be closed is closed, and a thread in a stalled name lookup cannot be.
    """
    gc.set_threshold(100_000)  # a short run's modules are no garbage, and looking through them takes a tenth of it
    os._exit(main())


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Print one report to stdout and return its exit code: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN."""
    try:
        with ExitStack() as stack:
            code, text = _run(sys.argv[1:] if argv is None else argv, environ, stack)
    except CheckError as error:
        code, text = _UNKNOWN, failure(str(error))
    except ModuleNotFoundError as error:
        code, text = _UNKNOWN, failure(_missing(error.name or "?"))
    except KeyboardInterrupt:
        code, text = _UNKNOWN, failure("interrupted")
    except Exception as error:  # a traceback is nothing for a phone, and its exit code 1 would be a WARNING
        code, text = _UNKNOWN, failure(f"internal error ({type(error).__name__})")
    _print(text)
    return code


def _run(argv: Sequence[str], environ: Mapping[str, str], stack: ExitStack) -> tuple[int, str]:
    parsed = parser.parse(argv, environ, terminal=bool(sys.stdout and sys.stdout.isatty()))
    if isinstance(parsed, str):
        return 0, parsed
    if parsed.memory or parsed.accept:
        from container_updates.actions import signer_memory

        return 0, signer_memory.answer(parsed, Clock())
    if parsed.check_policy:
        from container_updates.actions import policy_explained

        return 0, policy_explained.answer(parsed.check_policy, parsed.image, Clock().now())
    if parsed.hold or parsed.unhold:
        from container_updates.actions import holds

        return 0, holds.answer(parsed, Clock())
    for package in _NEEDED:
        if find_spec(package) is None:
            raise CheckError(_missing(package))
    clock = Clock()
    deadline = Deadline(parsed.timeout, clock)
    # From here on: Icinga's signal may come while a busy machine is still reading modules.
    stack.enter_context(_ended_by_signals(deadline))
    settings = _with_demo(parsed, stack) if parsed.demo else parsed

    # Only a check needs these; they cost more than all that was imported before.
    from container_updates import check, report
    from container_updates.report.table import Progress

    outcome = check.run(
        settings,
        clock=clock,
        deadline=deadline,
        progress=Progress,
        left_out=lambda outcome: report.left_out(outcome, settings),
    )
    if settings.quiet and not report.has_news(outcome, settings):
        return outcome.state.exit_code, ""
    text = report.render(outcome, settings)
    if settings.output_file:
        _write(settings.output_file, text)
        return outcome.state.exit_code, ""
    return outcome.state.exit_code, text


def _write(path: str, text: str) -> None:
    """Put `text` where it is read while it is written: whole, under a name of its own, then renamed."""
    folder, name = os.path.split(path)
    there = os.path.join(folder, f".{name}.{os.getpid()}")
    try:
        with open(there, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        os.replace(there, path)
    except (OSError, ValueError) as error:
        with suppress(OSError, ValueError):
            os.unlink(there)
        reason = getattr(error, "strerror", None) or "no file name"
        raise CheckError(f"--output-file {path}: {reason}") from None


def _missing(package: str) -> str:
    return f"the Python package {package} is missing: apt install python3-{package}, or pip install {package}"


def _with_demo(settings: Settings, stack: ExitStack) -> Settings:
    """Return the settings for an engine and registries of our own, away from what this host has set up."""
    from tempfile import TemporaryDirectory

    from container_updates.demo.scenario import Demo

    demo = stack.enter_context(Demo())
    folder = stack.enter_context(TemporaryDirectory(prefix="check_container_updates-"))
    return replace(
        settings,
        hosts=(demo.host,),
        docker_config=folder,
        state_dir=os.path.join(folder, "state"),
        trust_policies=settings.trust_policies or (demo.write_policy(folder),),
    )


@contextmanager
def _ended_by_signals(deadline: Deadline) -> Iterator[None]:
    """SIGTERM and SIGINT let the time be up: what is known is reported."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: deadline.expire()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _print(text: str) -> None:
    """Write to stdout; a reader who left, or one who knows ASCII only, changes no exit code."""
    if sys.stdout is None:
        return
    try:
        with suppress(AttributeError):  # a stream without an encoding
            encoding = sys.stdout.encoding if sys.stdout.isatty() else "utf-8"
            sys.stdout.reconfigure(encoding=encoding, errors="replace")  # type: ignore[union-attr]
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        # The interpreter flushes once more when it ends, and would complain on stderr.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
