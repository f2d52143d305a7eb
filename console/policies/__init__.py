"""Policy files: what pages, what is promised, what may be promoted, who may do what. `load` reads them, `rules` says their shape."""
