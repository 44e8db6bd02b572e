"""The subcommands of `lti-bridge`, one module for each subject."""
