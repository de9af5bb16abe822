"""Finds and builds the application.

The engine never imports the application. It finds it by an import string (MAILROOM_APP), as uvicorn finds yours.
"""

import importlib
import inspect
import os
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, cast

from receiver.bootstrap import App
from receiver.core.errors import Misconfigured
from receiver.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from receiver.core.alert_rule import AlertRule
    from receiver.pipeline.context import Registry
    from receiver.ports import AlertChannel, Destination

BUILDS = "name a function like handlers.app:build, which takes settings and returns an App"


def load_app(settings: Settings) -> App:
    """The application that MAILROOM_APP names. Raises Misconfigured for settings and variables that cannot work."""
    refuse_unworkable(settings, os.environ)
    module, name = _composition_root(settings)
    app = cast("Callable[[Settings], object]", getattr(module, name))(settings)
    if not isinstance(app, App):
        raise WrongApp(f"MAILROOM_APP={settings.app} does not return an App", fix=BUILDS)
    return app


def refuse_unworkable(settings: Settings, environ: "Mapping[str, str]") -> None:
    """Raises Misconfigured for settings and variables that cannot work together or on this machine."""
    from receiver.cloud.environment import refuse_environment
    from receiver.combinations import refuse_combinations

    refuse_combinations(settings, environ)
    refuse_environment(environ)


def load_destinations(settings: Settings) -> "Mapping[str, Destination]":
    """Only the application's destinations: a table can be checked without a key, a store or a public URL.

    They come from ``open_destinations()`` beside the composition root's ``build``, or else from the whole application.
    """
    module, _ = _composition_root(settings)
    if hasattr(module, "open_destinations"):
        return cast("Callable[[], Mapping[str, Destination]]", module.open_destinations)()
    return load_app(settings).context.destinations


def load_registry(settings: Settings) -> "Registry":
    """Only the application's event handlers: from ``open_registry()`` beside ``build``, or else as above."""
    module, _ = _composition_root(settings)
    if hasattr(module, "open_registry"):
        return cast("Callable[[], Registry]", module.open_registry)()
    return load_app(settings).context.registry


def channel_opener(settings: Settings) -> "Callable[[AlertRule], AlertChannel] | None":
    """The function that makes the channel of an alert rule, or raises Misconfigured: ``open_alert_channel(rule,
    settings)`` beside the composition root's ``build``. None if there is no such function."""
    module, _ = _composition_root(settings)
    opener = getattr(module, "open_alert_channel", None)
    return None if opener is None else lambda rule: cast("AlertChannel", opener(rule, settings))


class WrongApp(Misconfigured):
    """MAILROOM_APP names nothing that can build the application."""


def _composition_root(settings: Settings) -> tuple[ModuleType, str]:
    module_name, _, name = settings.app.partition(":")
    try:
        module = importlib.import_module(module_name)
    except (ImportError, SyntaxError, ValueError) as error:
        missing = isinstance(error, ModuleNotFoundError) and f"there is no module {error.name}"
        raise WrongApp(
            f"MAILROOM_APP={settings.app} cannot be imported: {missing or error}",
            fix="install it beside Mailroom, or put its folder on PYTHONPATH",
        ) from error
    try:
        inspect.signature(getattr(module, name)).bind(settings)
    except (AttributeError, TypeError, ValueError) as error:
        raise WrongApp(f"MAILROOM_APP={settings.app} is not a function that takes settings", fix=BUILDS) from error
    return module, name
