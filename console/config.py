"""Workspaces: where they are, what their `workspace.toml` says, and the paths inside one."""
