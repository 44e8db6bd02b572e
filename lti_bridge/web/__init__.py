"""Shared parts of all pages: headers, frames, signed tokens, translation, error pages."""
