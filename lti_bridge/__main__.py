"""`python -m lti_bridge` is the command line."""

from .cli import main

main()
