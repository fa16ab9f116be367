"""A whole evaluation as one launch on an NVIDIA GPU: recorded once as a CUDA graph, then replayed.

Up to about 512 pixels an evaluation is some two hundred small kernels, and a GPU waits longer for each to be asked for
than it computes. A graph asks for all of them at once.
"""

import torch


def replayable(function, picture, read=lambda: None):
    """A function that does what `function(picture)` does, for pictures like this one, from a recorded graph.

    function: picture → a tuple of tensors, all on the GPU, without asking for any number on the way. Raises
    RuntimeError where that does not hold, or where there is no GPU. Python code runs at capture only, and input tensors
    must keep their addresses. read: called after the capture; what it returns is kept alive as long as the graph.
    """
    entering = picture.clone()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):  # whatever is set up at first use must not be recorded
            function(entering)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # other threads may have runs of their own
        leaving = function(entering)
    kept = read()

    def replay(picture):
        entering.copy_(picture)
        graph.replay()
        return tuple(one.clone() for one in leaving)  # the next replay writes over them

    replay.reads = kept  # type: ignore[attr-defined]
    return replay
