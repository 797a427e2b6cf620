"""The HTTP side of alerts: routes, who may, problems, pages. SQL is behind `ports`."""
