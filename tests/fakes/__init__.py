"""Stand-ins for other people's servers, spoken to over real HTTP on loopback."""
