"""`python -m geoid`."""

from geoid.cli.app import main

if __name__ == "__main__":
    main()
