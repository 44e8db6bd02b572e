"""The commands of `lti-bridge`, one module for each thing an admin works on."""
