"""Train on a lake larger than the memory it may take: batches stream in, a hash of the user splits."""

import importlib.util
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import lakeq

FEATURES, ROWS = [f"f{n}" for n in range(24)], 25_000


def write_lake(folder: str) -> int:
    """Clicks of ten months, which depend on two of the features; their bytes."""
    random = np.random.default_rng(7)
    for month in range(1, 11):
        path = Path(folder, "clicks", f"month={month}")
        path.mkdir(parents=True)
        for part in range(8):
            features = random.standard_normal((len(FEATURES), ROWS))
            columns = {"user_id": random.integers(0, 5_000, ROWS), "clicked": features[0] > features[1]}
            rows = pa.table({**columns, **dict(zip(FEATURES, features, strict=True))})
            pq.write_table(rows, path / f"part-{part}.parquet")
    return sum(file.stat().st_size for file in Path(folder).rglob("*.parquet"))


def read(frame: lakeq.DataFrame) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Features and labels of 10,000 rows at a time."""
    for batch in frame.to_batches(columns=[*FEATURES, "clicked"], batch_size=10_000):
        yield np.column_stack([batch[name] for name in FEATURES]), np.array(batch["clicked"]).astype(bool)


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


with tempfile.TemporaryDirectory() as folder:
    size = write_lake(folder) // 2**20
    with lakeq.connect(folder, history=False, memory_limit="100MB", threads=2) as lake:
        parts = lake.table("clicks").split(train=0.8, test=0.2, key="user_id")
        train, test = parts["train"], parts["test"].filter(month=10)
        print(f"train reads {train.estimate()}\ntest reads {test.estimate()}")
        began = peak()
        if importlib.util.find_spec("sklearn"):
            from sklearn.linear_model import SGDClassifier

            model = SGDClassifier(random_state=7)
            for features, labels in read(train):
                model.partial_fit(features, labels, classes=[False, True])
            right = [model.score(features, labels) for features, labels in read(test)]
            print(f"scikit-learn: {np.mean(right):.1%} of the test is right")
        if importlib.util.find_spec("torch"):
            import torch

            class Clicks(torch.utils.data.IterableDataset):
                def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
                    for features, labels in read(train):
                        yield torch.from_numpy(features).float(), torch.from_numpy(labels).float()

            linear = torch.nn.Linear(len(FEATURES), 1)
            descent = torch.optim.SGD(linear.parameters(), lr=1.0)
            for features, labels in torch.utils.data.DataLoader(Clicks(), batch_size=None):
                descent.zero_grad()
                torch.nn.functional.binary_cross_entropy_with_logits(
                    linear(features)[:, 0], labels
                ).backward()
                descent.step()
            right = [
                ((linear(torch.from_numpy(x).float())[:, 0] > 0).numpy() == y).mean() for x, y in read(test)
            ]
            print(f"torch: {np.mean(right):.1%} of the test is right")
        print(f"a lake of {size} MB; the peak of memory grew by {peak() - began} MB, to {peak()} MB")
