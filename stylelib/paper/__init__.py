"""The paper's figures, each as a list of runs; and recorded runs to look at without computing."""
