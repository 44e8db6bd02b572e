"""LTI Bridge carries one learner from an LMS to a SCORM Cloud course and one grade home."""

import gc

__version__ = "0.1.0"

# What the imports make stays for good. By Python's own measure it would be searched for garbage a
# dozen times before the first request; `processes.settle` takes that measure again.
gc.set_threshold(50_000, 10, 10)
