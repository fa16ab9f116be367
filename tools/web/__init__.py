"""The web site: the page on which style transfer runs in the browser, and later the notebooks as pages."""
