"""The message about a package that this environment lacks.

It imports nothing: any package may be missing, click too.
"""

OWN_PACKAGES = ("greenlight", "pipeline", "components", "serving")


def missing_package(error: ModuleNotFoundError) -> str | None:
    """What to install, or None where the missing module is one of Greenlight's own."""
    package = (error.name or "").partition(".")[0]
    if not package or package in OWN_PACKAGES:
        return None
    return (
        f"The Python package {package} is missing in this environment. `make setup` in a checkout, or the "
        "extra tfx116 or tfx121 of a wheel, installs all packages; serve116 and serve121 only serve a model."
    )
