"""The paper's figures, each as a list of runs, and recordings, which show runs without computing them."""
