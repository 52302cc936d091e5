"""Clusters that others run: Kubernetes with Dask's operator, Dask Gateway, a class of the user's."""

import json
from importlib import import_module
from typing import Any

from distributed.deploy import Cluster

from cluster.extras import import_extra
from cluster.profile import ClusterError, ClusterProfile
from cluster.reason import innermost, reason
from cluster.worker import ENVIRONMENT, SCHEDULER_ENVIRONMENT, worker_arguments

# Options that the resource is made of; the others are those of the class that manages it.
_RESOURCE_OPTIONS = (
    *("name", "image", "env", "resources"),
    *("scheduler_service_type", "idle_timeout", "jupyter"),
)


def start_kubernetes(profile: ClusterProfile) -> Cluster:
    """A DaskCluster resource, made by Dask's operator, which must be installed there."""
    kubernetes = import_extra("dask_kubernetes.operator", "kubernetes", "kubernetes")
    try:
        return kubernetes.KubeCluster(**kubernetes_options(profile))
    except Exception as error:
        # Whatever the API server, the operator and the image can refuse has no common class.
        raise ClusterError(
            f"Kubernetes gave no cluster: {error or type(error).__name__}; is Dask's operator installed "
            "there, and does kubectl reach it?"
        ) from error


def kubernetes_options(profile: ClusterProfile) -> dict[str, Any]:
    """Keywords of `KubeCluster`: a resource of the options' own (`custom_cluster_spec`), or one made here."""
    given = dict(profile.options)
    own = {name: given.pop(name) for name in _RESOURCE_OPTIONS if name in given}
    if "custom_cluster_spec" not in given:
        given["custom_cluster_spec"] = kubernetes_resource(profile, own)
    return {"quiet": True, **given}


def kubernetes_resource(profile: ClusterProfile, options: dict[str, Any]) -> dict[str, Any]:
    """The DaskCluster resource of a profile, from what `make_cluster_spec` makes of its options."""
    kubernetes = import_extra("dask_kubernetes.operator", "kubernetes", "kubernetes")
    given = {"name": "dexome", **options}
    # The scheduler heeds what it is given here, and nothing of this process.
    environment = {**ENVIRONMENT, **SCHEDULER_ENVIRONMENT, **given.pop("env", {})}
    size = {"memory": f"{profile.memory_gib:g}Gi", "cpu": "1"}
    resource = kubernetes.make_cluster_spec(
        n_workers=profile.workers or profile.minimum or 0,
        worker_command=[
            *("dask", "worker", "--nthreads", "1"),
            *("--memory-limit", f"{profile.memory_gib:g}GiB"),
            *worker_arguments(profile, restart=True),
        ],
        **{"resources": {"requests": size, "limits": size}, **given},
        env=environment,
    )
    scheduler = resource["spec"]["scheduler"]["spec"]["containers"][0]
    # Dask has no command `dask-scheduler` any more.
    scheduler["args"] = ["dask", "scheduler", *scheduler["args"][1:]]
    # Without the parts that are one object in several places.
    plain: dict[str, Any] = json.loads(json.dumps(resource))
    return plain


def start_gateway(profile: ClusterProfile) -> Cluster:
    """A new cluster of a Dask Gateway; what its server offers goes through the options."""
    gateway = import_extra("dask_gateway", "gateway", "gateway")
    try:
        return gateway.GatewayCluster(**profile.options)
    except Exception as error:
        # Wrong passwords, unknown options and dead servers have no common class.
        raise ClusterError(
            f"the gateway gave no cluster: {error or type(error).__name__}; see address, auth and the other "
            "options of the profile"
        ) from error


def start_custom(profile: ClusterProfile) -> Cluster:
    """What the class or function of the profile makes of its options."""
    assert profile.factory is not None
    module, _, name = profile.factory.rpartition(".")
    try:
        make = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ClusterError(
            f"factory {profile.factory!r} can't be imported: {error}; give the dotted name of a cluster class"
        ) from error
    try:
        made = make(**profile.options)
    except Exception as error:
        # A class of the user's can refuse its options in any way.
        raise ClusterError(
            f"factory {profile.factory!r} made no cluster of the options "
            f"({', '.join(profile.options) or 'none'}): {reason(innermost(error))}; mend them in the profile"
        ) from error
    if not isinstance(made, Cluster):
        raise ClusterError(
            f"factory {profile.factory!r} made {type(made).__name__}, which is no Dask cluster"
        )
    return made
