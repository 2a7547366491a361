"""An executor with how it is built, so that a broken one can be built again."""

import contextlib
from collections.abc import Callable
from concurrent.futures import Executor, Future

from ssl_irmae.errors import UserError, describe_exception
from ssl_irmae.protocols.running.workers import no_interrupt

Build = Callable[[], contextlib.AbstractContextManager[Executor]]


class Lane:
    """An executor, which is built with the first work for it, and again after it has broken.

    Args:
        build: Returns it as a context manager.
        workers: How many workers it has.
        single: Whether it is a single process of this machine, which runs what it is given in that order.
        run: What workers do: a function of a module, or a partial one, from bytes to bytes.
        title: What errors call it.
        logs: The folder with what workers printed, if there is one.
    """

    def __init__(
        self,
        build: Build,
        *,
        workers: int,
        single: bool,
        run: Callable[[bytes], bytes],
        title: str,
        logs: str | None = None,
    ) -> None:
        self.workers = workers
        self.logs = logs
        self.single = single
        self._build, self._run, self._title = build, run, title
        self._stack = contextlib.ExitStack()
        self._executor: Executor | None = None

    def submit(self, work: bytes) -> Future[bytes]:
        """Submit pickled work; an executor that takes no more is built again.

        Raises:
            UserError: If the executor cannot be built, or takes nothing from the beginning.
        """
        if self._executor is not None:
            try:
                return self._executor.submit(self._run, work)
            except Exception:  # an executor may raise anything
                self.close()
        executor = self._open()
        try:
            return executor.submit(self._run, work)
        except Exception as error:
            raise self._cannot_start(error) from error

    def close(self) -> None:
        """End the executor, or what is left of it."""
        with contextlib.suppress(Exception):  # all results are there, or what broke is built again
            self._stack.close()
        self._executor = None

    def _open(self) -> Executor:
        try:
            with no_interrupt():
                self._executor = self._stack.enter_context(self._build())
        except UserError:
            raise
        except Exception as error:  # it may start other programs, and raise anything
            raise self._cannot_start(error) from error
        return self._executor

    def _cannot_start(self, error: Exception) -> UserError:
        return UserError(f"`executor`: {self._title} cannot be started ({describe_exception(error)})")
