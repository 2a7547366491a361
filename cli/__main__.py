"""Run the command line, as ``ssl-irmae`` and as ``python -m ssl_irmae.cli``; Ctrl-C stops it even while it imports."""

import signal
import sys


def main() -> None:
    """Run the command line."""
    try:
        from ssl_irmae.cli.main import main as run  # typer and rich take a third of a second

        run()
    except KeyboardInterrupt:
        sys.stderr.write("stopped: nothing had begun\n")
        sys.exit(130)
    except OSError as error:  # outside a command: help, or the version, into a full disk
        sys.stderr.write(f"error: {error.strerror or error}\n")
        sys.exit(2)
    finally:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # all is done: what comes now ends it without a word


if __name__ == "__main__":
    main()
