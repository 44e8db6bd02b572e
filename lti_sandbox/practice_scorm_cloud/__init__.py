"""A practice SCORM Cloud: the v2 API that the bridge uses, with the faults of a real network."""

from lti_sandbox.practice_scorm_cloud.app import create_practice_scorm_cloud

__all__ = ["create_practice_scorm_cloud"]
