"""Callers' addresses, and the one door to addresses that a client gave (`net.fetch`)."""

from chatbot_saas.lib.net.addresses import client_address, network_of, origin_of

__all__ = ["client_address", "network_of", "origin_of"]
