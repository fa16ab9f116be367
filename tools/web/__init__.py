"""The web site: the notebooks as pages, and the page on which style transfer runs in the browser."""
