"""Checks before a compilation: missing settings, and paths that pods cannot reach. Light imports only."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from components.errors import GreenlightError, InputError
from components.trainer.own_model.module_file import ModuleFile
from pipeline.kubeflow import caching
from pipeline.preflight import beam_runner, named_files, pod_secrets, training
from pipeline.settings.beam import WITH_A_JOB_SERVER

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.settings.kubeflow import KubeflowSettings

_EXAMPLES = {
    "kubeflow.image": "registry.example/greenlight:COMMIT",
    "kubeflow.pipeline_root": "gs://bucket/greenlight",
}
_STORES = ("gs://", "s3://")
_NOT_OPENED = ("minio://", "http://", "https://")


def require_kfp() -> None:
    """Checks that the compiler is installed.

    Raises:
      GreenlightError: the package kfp is missing.
    """
    if find_spec("kfp") is None:
        raise GreenlightError(
            "Compiling for Kubeflow needs the package kfp, which is not installed. `make setup` installs it."
        )


def require_compilable(settings: Settings) -> None:
    """Checks that the settings can be compiled for a cluster.

    Raises:
      InputError: settings are missing, or refer to files of this machine; the message names the keys.
    """
    values = {
        "kubeflow.image": settings.kubeflow.image,
        "kubeflow.pipeline_root": settings.kubeflow.pipeline_root,
    }
    missing = [key for key, value in values.items() if value is None]
    if missing:
        flags = " ".join(f"--set {key}={_EXAMPLES[key]}" for key in missing)
        raise InputError(
            f"Compiling for Kubeflow needs {' and '.join(missing)}. Set them, such as with {flags}."
        )
    _require_store(settings.kubeflow)
    _require_uncovered(settings.kubeflow)
    require_paths_of_a_pod(settings)
    pod_secrets.require(settings)
    caching.require_cacheable(settings)
    if settings.trainer.strategy == "multi_worker" and not settings.trainer.workers:
        raise InputError(
            "trainer.strategy = 'multi_worker': Kubeflow gives the Trainer one pod, and no TF_CONFIG that "
            "names others. Set trainer.workers to the number of processes in it."
        )
    if settings.beam.runner in WITH_A_JOB_SERVER:
        raise InputError(
            f"beam.runner = {settings.beam.runner!r} starts a job server on this machine, and a pod has no "
            "Java for it. Run one beside the cluster, and set beam.runner = 'PortableRunner' with "
            "--job_endpoint in beam.options."
        )
    if settings.trainer.module is not None:
        ModuleFile.read(settings.trainer.module)
    training.require_unseen_split(settings)
    beam_runner.require_known(settings.beam)


def require_paths_of_a_pod(settings: Settings) -> None:
    """Checks the files and folders in the settings.

    Raises:
      InputError: a pod would not find or open one of them; the message names the keys.
    """
    named = list(named_files.of_stages(settings, settings.located_data))
    relative = [f"{key} = {value!r}" for key, value in named if not named_files.is_found_from_anywhere(value)]
    if relative:
        raise InputError(
            f"{', '.join(relative)}: a relative path cannot be found in a pod. Give an address such as "
            "gs://bucket/..., or the absolute path of what is in the image or mounted."
        )
    closed = [f"{key} = {value!r}" for key, value in named if value.startswith(_NOT_OPENED)]
    if closed:
        raise InputError(
            f"{', '.join(closed)}: TensorFlow in the pod does not support this address. Give one "
            "such as gs://bucket/..., or the absolute path of what is in the image or mounted."
        )


def _require_store(kubeflow: KubeflowSettings) -> None:
    """Raises InputError if the version store would be lost with the pod of the Pusher."""
    root, volume = kubeflow.serving_root, '--set \'kubeflow.volumes={"/models" = "a-claim"}\''
    below = kubeflow.pipeline_root or ""
    if root is None and not below.startswith(_STORES):
        raise InputError(
            "kubeflow.serving_root is not set, and the version store cannot be in "
            f"{below}, which only KFP's launcher opens. Give a gs:// or s3:// address, or the folder "
            f"of a volume: --set kubeflow.serving_root=/models {volume}."
        )
    if root is None and "?" in below:
        raise InputError(
            f"kubeflow.serving_root is not set, and kubeflow.pipeline_root = {below!r} has options of KFP's "
            "launcher, which the version store does not read. Give kubeflow.serving_root an address of its "
            "own, such as s3://bucket/models, and the endpoint in AWS_ENDPOINT_URL (kubeflow.pod.env)."
        )
    inside = any(root == folder or f"{root}/".startswith(f"{folder}/") for folder in kubeflow.volumes)
    if root is not None and root.startswith("/") and not inside:
        raise InputError(
            f"kubeflow.serving_root = {root!r} is in no volume, so that each version would end with its pod. "
            f"Name the volume's claim, such as with {volume}."
        )


def _require_uncovered(kubeflow: KubeflowSettings) -> None:
    """Raises InputError if a volume hides the project's folder in the image, or another volume."""
    project = PurePosixPath(kubeflow.project_dir)
    for stage in (None, *kubeflow.pod.stages):
        mounts = [
            *(("kubeflow.volumes", folder) for folder in kubeflow.volumes),
            *(("kubeflow.pod.secret_files", folder) for folder in kubeflow.pod.of(stage).secret_files),
        ]
        for key, folder in mounts:
            if PurePosixPath(folder) in (project, *project.parents):
                raise InputError(
                    f"{key}: a volume at {folder} hides the project, which the image has in "
                    f"{project} (kubeflow.project_dir). Mount it elsewhere."
                )
        folders = [folder for _, folder in mounts]
        if twice := sorted({folder for folder in folders if folders.count(folder) > 1}):
            raise InputError(
                f"kubeflow.volumes and kubeflow.pod.secret_files both have {twice[0]}. Kubernetes mounts one "
                "volume at a path: give one of them another."
            )
