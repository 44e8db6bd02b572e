"""Settings of the application, a course or a registration, as far as they are implemented."""

from lti_sandbox.practice_scorm_cloud.cloud import Cloud
from lti_sandbox.practice_scorm_cloud.errors import ApiError
from lti_sandbox.practice_scorm_cloud.results import Document

APPLICATION = "application"

# Defaults of SCORM Cloud where a document names one; the practice side acts on the first group.
DEFAULTS = {
    "ApiRollupRegistrationPostBackUrl": "",
    "ApiRollupRegistrationAuthType": "form",
    "ApiRollupRegistrationAuthUser": "",
    "ApiRollupRegistrationAuthPassword": "",
    "ApiRollupRegistrationFormat": "course",
    "RedirectOnExitUrl": "",
    "PlayerCommCommitFrequency": "10000",
    "PlayerLaunchType": "FRAMESET",
    "PlayerScoLaunchType": "FRAMESET",
    "PlayerReturnToLmsAction": "Legacy",
    "PlayerResetRunTimeData": "",  # as the standard of the course says
    "PlayerScaleRawScore": "true",
    "PlayerSatisfiedCausesCompletion": "false",
    "PlayerCompletionStatOfFailedSuccessStat": "completed",
    "PlayerLaunchCompletedRegsAsNoCredit": "false",
    "PlayerStatusRollupModeValue": "STATUS_PROVIDED_BY_COURSE",
    "PlayerScoreRollupModeValue": "SCORE_PROVIDED_BY_COURSE",
    "WhenToRestartRegistration": "NEVER",
}


def course_scope(course_id: str) -> str:
    """Name the scope of a course's settings."""
    return f"course:{course_id}"


def registration_scope(registration_id: str) -> str:
    """Name the scope of a registration's settings."""
    return f"registration:{registration_id}"


def set_settings(cloud: Cloud, scope: str, body: Document) -> None:
    """Store a SettingsPostSchema; ApiError 400 for an unknown id, and then nothing is stored."""
    items = body.get("settings")
    if not isinstance(items, list):
        raise ApiError(400, "settings is required")
    for item in items:
        if item.get("settingId") not in DEFAULTS:
            raise ApiError(400, f"{item.get('settingId')} is not a valid setting ID")
    with cloud.store.transaction():
        for item in items:
            cloud.store.run(
                "INSERT INTO setting (scope, id, value) VALUES (?, ?, ?)"
                " ON CONFLICT (scope, id) DO UPDATE SET value = excluded.value",
                scope,
                item["settingId"],
                str(item.get("value", "")),
            )


def clear_setting(cloud: Cloud, scope: str, setting_id: str) -> None:
    """Forget one setting of a scope; ApiError 400 for an unknown id."""
    if setting_id not in DEFAULTS:
        raise ApiError(400, f"{setting_id} is not a valid setting ID")
    cloud.store.run("DELETE FROM setting WHERE scope = ? AND id = ?", scope, setting_id)


def effective(cloud: Cloud, scopes: list[str]) -> dict[str, tuple[str, str]]:
    """Return value and source of every setting; a later scope wins over an earlier one."""
    values = {name: (value, "default") for name, value in DEFAULTS.items()}
    for scope in scopes:
        for row in cloud.store.all("SELECT id, value FROM setting WHERE scope = ?", scope):
            values[row["id"]] = (row["value"], scope.partition(":")[0])
    return values


def settings_json(cloud: Cloud, scopes: list[str], *, metadata: bool) -> Document:
    """Return the SettingListSchema of the last scope."""
    own = {
        row["id"]: row["value"]
        for row in cloud.store.all("SELECT id, value FROM setting WHERE scope = ?", scopes[-1])
    }
    items = []
    for name, (value, source) in sorted(effective(cloud, scopes).items()):
        item: Document = {"id": name, "effectiveValue": value, "effectiveValueSource": source}
        if name in own:
            item["explicitValue"] = own[name]
        if metadata:
            item["metadata"] = {"default": DEFAULTS[name], "dataType": "string"}
        items.append(item)
    return {"settingItems": items}
