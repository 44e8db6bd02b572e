"""LTI Bridge carries one learner from an LMS to a SCORM Cloud course and one grade home."""

import gc

__version__ = "0.1.0"

# Imports create permanent objects: by default Python would search them for garbage a dozen times
# before the first request. `processes.settle` restores the default.
gc.set_threshold(50_000, 10, 10)
