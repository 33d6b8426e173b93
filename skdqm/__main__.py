"""Run the command line: ``python -m skdqm``."""

from skdqm.cli import main

if __name__ == "__main__":
    main()
