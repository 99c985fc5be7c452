"""What our staff see of people, companies and mail. One module for each kind of thing."""

from accounts.admin import allauth, clients, people, records

__all__ = ["allauth", "clients", "people", "records"]
