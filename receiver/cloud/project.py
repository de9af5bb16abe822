"""The project and the organization of all calls: sent with each, and compared with LlamaCloud's responses.

Source: reference 1.0 (every operation takes both as query parameters), 1.9 (those of projects take the organization).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from receiver.cloud.wire import ProjectPayload
from receiver.core.errors import SettingsRefused

PROJECT = "LLAMA_CLOUD_PROJECT_ID"
ORGANIZATION = "LLAMA_CLOUD_ORGANIZATION_ID"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectScope:
    """The ids from the settings; "" leaves the choice to LlamaCloud, which uses the key's own project."""

    project_id: str = ""
    organization_id: str = ""

    def params(self, *, organization_only: bool = False) -> dict[str, str]:
        """The query parameters of a call."""
        project = "" if organization_only else self.project_id
        named = {"project_id": project, "organization_id": self.organization_id}
        return {name: value for name, value in named.items() if value}

    def excludes(self, project_id: str) -> bool:
        """Whether this is known to be another project than ours."""
        return bool(self.project_id and project_id) and not _same(self.project_id, project_id)

    def refuse_other(self, project_id: str, made: str) -> None:
        """Raises SettingsRefused if LlamaCloud created something for us in another project than we named."""
        if self.excludes(project_id):
            raise SettingsRefused(
                f"{PROJECT} is {self.project_id}, but LlamaCloud put {made} into project {project_id}",
                place=PROJECT,
                fix=f"set {PROJECT} to a project that the key opens (mailroom doctor --no-job lists them), and restart",
            )

    def chosen(self, projects: Sequence[ProjectPayload]) -> tuple[ProjectPayload, ...]:
        """The projects that calls go to, of those that the key can access. Raises SettingsRefused if there is none."""
        opened = "; ".join(map(_shown, projects)) or "none"
        found = tuple(item for item in projects if not self.project_id or _same(item.id, self.project_id))
        if not found:
            what = f"{PROJECT}={self.project_id}" if self.project_id else "LLAMA_CLOUD_API_KEY"
            reason = "the key does not open this project" if self.project_id else "the key opens no project"
            raise SettingsRefused(f"{what}: {reason}; it opens: {opened}", place=PROJECT, fix=f"correct {PROJECT}")
        wanted = self.organization_id
        if wanted and not all(_same(item.organization_id, wanted) for item in found):
            raise SettingsRefused(
                f"{ORGANIZATION}={wanted}: the key's project belongs to another organization; it opens: {opened}",
                place=ORGANIZATION,
                fix=f"correct {ORGANIZATION}",
            )
        return found


def _same(one: str, other: str) -> bool:
    """Whether two ids are equal; UUIDs are compared without case."""
    return one.casefold() == other.casefold()


def _shown(project: ProjectPayload) -> str:
    return f"{project.name or 'unnamed'} ({project.id}, organization {project.organization_id or 'unknown'})"
