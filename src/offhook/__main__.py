"""`python -m offhook`: the command line, for machines where scripts are not on the PATH. No logic of its own."""

from offhook.cli.app import main

if __name__ == "__main__":
    main()
