"""Training and scoring the demo's models: real scikit-learn pipelines on the recorded rows."""

from __future__ import annotations

import hashlib
import pickle
import platform
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final, Protocol

from console.demo.flights import CATEGORIES, INPUTS, digest_of_rows
from console.demo.story import ModelStory, VersionStory

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

SEED: Final = 2013
IMPORTANCE_ROWS: Final = 3000
TIMER = time.perf_counter


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained version and how it came to be."""

    model: ModelStory
    story: VersionStory
    pipeline: Any
    artifact: bytes
    artifact_digest: str
    rows: int
    dataset_digest: str
    params: dict[str, Any]
    metrics: dict[str, float | None]
    phases: dict[str, float]
    importance: dict[str, float]

    def score(self, frame: pl.DataFrame) -> np.ndarray[Any, Any]:
        """Scores of flights: a probability, or minutes."""
        return answers(self.pipeline, self.model, frame)


def answers(pipeline: Any, model: ModelStory, frame: pl.DataFrame) -> np.ndarray[Any, Any]:
    """What a pipeline says of flights: a probability, or minutes."""
    inputs = inputs_of(frame)
    with one_thread():
        if model.task == "binary":
            return pipeline.predict_proba(inputs)[:, 1]  # type: ignore[no-any-return]
        return pipeline.predict(inputs)  # type: ignore[no-any-return]


def one_thread() -> AbstractContextManager[object]:
    """Keep scikit-learn to one thread: on busy cores two wait for each other, and training takes ten times as long."""
    # Only libraries that are loaded already are limited.
    import sklearn.ensemble  # noqa: F401

    # It comes with scikit-learn and has no types.
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    return threadpool_limits(1)  # type: ignore[no-any-return]


def inputs_of(frame: pl.DataFrame) -> Any:
    """Inputs as the pipeline takes them: a pandas frame with categoricals as text."""
    import pandas as pd

    columns: dict[str, Any] = {}
    for name in INPUTS:
        if name in CATEGORIES:
            columns[name] = frame[name].to_numpy()
        else:
            columns[name] = frame[name].cast(float).to_numpy()
    return pd.DataFrame(columns)


def known_rows(frame: pl.DataFrame, model: ModelStory, story: VersionStory) -> pl.DataFrame:
    """The rows that a version could be trained on: scheduled in its window, with an outcome known when it was made."""
    import polars as pl

    first, last, made = (moment.replace(tzinfo=None) for moment in (story.trained_from, story.trained_to, story.made_at))
    inside = (pl.col("scheduled_at") >= first) & (pl.col("scheduled_at") < last)
    known = pl.col(model.label).is_not_null() & (pl.col(model.known_at) <= made)
    return frame.filter(inside & known).select("key", "scheduled_at", *INPUTS, model.label)


def train(frame: pl.DataFrame, model: ModelStory, story: VersionStory, clock: Callable[[], float] = TIMER) -> Trained:
    """Train one version on exactly the rows that were known then. `clock` gives seconds, to time the phases."""
    with one_thread():
        return _trained(frame, model, story, clock)


def _trained(frame: pl.DataFrame, model: ModelStory, story: VersionStory, clock: Callable[[], float]) -> Trained:
    import numpy as np
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    begun = clock()
    rows = known_rows(frame, model, story)
    outcome = rows[model.label].to_numpy()
    inputs = inputs_of(rows)
    encode = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = make_column_transformer((encode, list(CATEGORIES)), remainder="passthrough", verbose_feature_names_out=False)
    params = {"max_iter": model.trees, "max_leaf_nodes": 15, "learning_rate": 0.1, "random_state": SEED}
    kind = HistGradientBoostingClassifier if model.task == "binary" else HistGradientBoostingRegressor
    pipeline = make_pipeline(columns, kind(**params))
    prepared = clock()
    held = np.zeros(len(rows), dtype=bool)
    if story.random_holdout:
        held = np.random.default_rng(SEED).random(len(rows)) < 0.2
        pipeline.fit(inputs[~held], outcome[~held])
    else:
        pipeline.fit(inputs, outcome)
    fitted = clock()
    metrics = _report(pipeline, model, inputs[held] if held.any() else inputs, outcome[held] if held.any() else outcome)
    metrics = {("holdout_" if held.any() else "train_") + name: value for name, value in metrics.items()}
    importance = _importance(pipeline, model, inputs, outcome)
    evaluated = clock()
    artifact = pickle.dumps(pipeline, protocol=5)
    packed = clock()
    phases = {"preprocess": prepared - begun, "train": fitted - prepared, "evaluate": evaluated - fitted, "package": packed - evaluated}
    return Trained(
        model=model,
        story=story,
        pipeline=pipeline,
        artifact=artifact,
        artifact_digest=f"sha256:{hashlib.sha256(artifact).hexdigest()}",
        rows=len(rows),
        dataset_digest=digest_of_rows(rows),
        params={**params, "algorithm": kind.__name__},
        metrics=metrics,
        phases={name: round(seconds, 3) for name, seconds in phases.items()},
        importance=importance,
    )


def _report(pipeline: Any, model: ModelStory, inputs: Any, outcome: Any) -> dict[str, float | None]:
    from sklearn import metrics

    if model.task == "regression":
        return {"mae": float(metrics.mean_absolute_error(outcome, pipeline.predict(inputs)))}
    scores = pipeline.predict_proba(inputs)[:, 1]
    auc = float(metrics.roc_auc_score(outcome, scores)) if len(set(outcome.tolist())) > 1 else None
    return {"auc": auc, "brier": float(metrics.brier_score_loss(outcome, scores))}


def _importance(pipeline: Any, model: ModelStory, inputs: Any, outcome: Any) -> dict[str, float]:
    """Loss in AUC, or gain in MAE, when one input is shuffled, on a sample of the training rows."""
    from sklearn.inspection import permutation_importance

    sample = inputs.sample(min(IMPORTANCE_ROWS, len(inputs)), random_state=SEED)
    scoring = "roc_auc" if model.task == "binary" else "neg_mean_absolute_error"
    found = permutation_importance(pipeline, sample, outcome[sample.index.to_numpy()], scoring=scoring, n_repeats=2, random_state=SEED)
    return {name: round(float(value), 5) for name, value in zip(INPUTS, found.importances_mean, strict=True)}


class Answering(Protocol):
    """A version in memory that can answer."""

    @property
    def model(self) -> ModelStory: ...

    @property
    def pipeline(self) -> Any: ...

    def score(self, frame: pl.DataFrame) -> np.ndarray[Any, Any]: ...


def measured_latencies(version: Answering, frame: pl.DataFrame, clock: Callable[[], float] = TIMER) -> list[float]:
    """Milliseconds of really scoring each flight of `frame` alone, one after the other; the first one is scored once before to warm up."""
    if not len(frame):
        return []
    inputs = inputs_of(frame)
    answer = version.pipeline.predict_proba if version.model.task == "binary" else version.pipeline.predict
    taken = []
    # One thread: a server gives each request one, and idle threads that spin would be measured too.
    with one_thread():
        answer(inputs.iloc[:1])
        for number in range(len(inputs)):
            one = inputs.iloc[number : number + 1]
            begun = clock()
            answer(one)
            taken.append((clock() - begun) * 1000)
    return taken


def runtime() -> dict[str, str]:
    """What the models run on."""
    packages = ("scikit-learn", "numpy", "pandas")
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in packages}}
