"""Where scheduler and workers can listen: the networks of this machine, and who reaches them."""

import ipaddress
import socket

import psutil
from distributed.utils import clean_dashboard_address

from cluster.profile import STARTED_HERE, ClusterError, ClusterProfile
from cluster.worker import LOOPBACK


def check_network(profile: ClusterProfile) -> None:
    """Refuse what can't be listened on from here, before anything is started.

    Raises
    ------
    ClusterError
        This machine has no such interface, or none of the dashboard's address; or hosts of SSH can't reach
        the scheduler.
    """
    if profile.kind not in STARTED_HERE:
        return
    address = LOOPBACK
    if profile.interface:
        networks = _networks()
        if profile.interface not in networks:
            raise ClusterError(
                f'interface = "{profile.interface}" is no network of this machine with an IPv4 address; '
                f"there is {', '.join(networks)}"
            )
        address = networks[profile.interface]
    _check_dashboard(profile.dashboard)
    for host in profile.hosts:
        if _is_loopback(address) and not _is_loopback(host):
            raise ClusterError(
                f'host "{host}" is another machine, and the scheduler would listen on {address}, which only '
                "this one reaches; give interface the name of a network that both have (`ip -brief address` "
                "lists them)"
            )


def _networks() -> dict[str, str]:
    """IPv4 address of each interface that has one."""
    return {
        name: address.address
        for name, addresses in psutil.net_if_addrs().items()
        for address in addresses
        if address.family == socket.AF_INET
    }


def _check_dashboard(dashboard: str) -> None:
    try:
        for place in clean_dashboard_address(dashboard):
            # A port that is taken is no error: Dask takes another.
            port = place["port"]
            if not 0 <= port < 2**16:
                raise ValueError(f"there is no port {port}")
            found = socket.getaddrinfo(place["address"] or None, 0, type=socket.SOCK_STREAM)
            family, kind, protocol, _, where = found[0]
            with socket.socket(family, kind, protocol) as probe:
                probe.bind(where)
    except (OSError, ValueError) as error:
        told = error.strerror if isinstance(error, OSError) else error
        raise ClusterError(
            f'dashboard = "{dashboard}" is nowhere to listen on: {told}; give an address of this machine and '
            f'a port, such as "{LOOPBACK}:0"'
        ) from error


def _is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine and nothing else."""
    try:
        found = {place[4][0] for place in socket.getaddrinfo(host, None)}
    except OSError:
        # A name of the user's SSH configuration, say: not one of this machine's own.
        return False
    return all(
        ipaddress.ip_address(str(address).partition("%")[0]).is_loopback for address in found
    )
