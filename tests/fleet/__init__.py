"""Many light hubs that speak the true contract on raw sockets; see scripts/fleet."""
