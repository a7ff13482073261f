"""How a network is watched: scrape configuration, alert rules and dashboards, made from manifests and catalogues."""
