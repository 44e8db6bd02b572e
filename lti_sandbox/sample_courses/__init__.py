"""Small courses of our own, built as zips on demand: three to learn from, the rest to test with."""

from lti_sandbox.sample_courses.build import KINDS, build_sample, course_id

__all__ = ["KINDS", "build_sample", "course_id"]
