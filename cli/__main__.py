"""Run the command line as ``python -m ssl_irmae.cli``."""

from ssl_irmae.cli.main import main

if __name__ == "__main__":
    main()
