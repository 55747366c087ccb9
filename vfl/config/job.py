"""The job: what all parties agree on. Read from ``job.toml``; its text is part of the signed contract."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from pathlib import Path

from vfl.config.binning import BinningSpec, read_binning
from vfl.config.logistic import LogisticSpec
from vfl.config.reading import Section, parse_toml, read_toml
from vfl.config.scorecard import ScalingSpec, read_logistic, read_scaling
from vfl.config.time import TimeSpec, check_time, read_time
from vfl.errors import ConfigError, Place, Text

__all__ = ["JobSpec", "SampleSpec", "TreeSpec"]


@dataclass(frozen=True, slots=True)
class SampleSpec:
    """Shares of the aligned rows. The common order is a joint shuffle, so consecutive parts are random samples.

    Rows held out of time are no part of these shares: they come last in the common order and are never trained on.
    """

    train: float
    valid: float
    test: float
    out_of_time_from: dt.date | None = None
    """Firms observed from this day on are held out of time."""
    out_of_time: float = 0.0
    """Instead of a day: at least this share of the common firms, those of the latest months."""

    @property
    def has_out_of_time(self) -> bool:
        return self.out_of_time_from is not None or self.out_of_time > 0

    def counts(self, rows: int) -> tuple[int, int, int]:
        """Rows of (train, valid, test); the remainder goes to train."""
        valid = int(rows * self.valid)
        test = int(rows * self.test)
        return rows - valid - test, valid, test


@dataclass(frozen=True, slots=True)
class TreeSpec:
    """Parameters of boosted trees, named and meant as in LightGBM unless said otherwise."""

    trees: int = 30
    num_leaves: int = 15
    max_depth: int = -1
    learning_rate: float = 0.1
    max_bin: int = 63
    min_data_in_bin: int = 3
    min_data_in_leaf: int = 50
    min_sum_hessian_in_leaf: float = 1e-3
    lambda_l1: float = 0.0
    lambda_l2: float = 0.0
    min_gain_to_split: float = 0.0
    scale_pos_weight: float = 1.0
    max_cat_threshold: int = 32
    max_cat_to_onehot: int = 4
    cat_l2: float = 10.0
    cat_smooth: float = 10.0
    early_stopping_rounds: int = 0
    """0: off. Watches the log loss on the validation rows."""
    bank_only_trees: int = 0
    """The first k trees use the bank's features only: what a platform could infer of labels from the first,
    most telling partitions (protocol design, section 4)."""
    gradient_bits: int = 40
    """Fractional bits of gradients and hessians in fixed point."""


@dataclass(frozen=True, slots=True)
class JobSpec:
    """One job, as its author wrote it.

    ``test_keys`` labels a run with short keys on made-up data; a node's policy refuses it for real data.
    """

    name: str
    purpose: str
    bank: str
    platforms: tuple[str, ...]
    bank_view: str
    platform_view: str
    as_of: dt.date
    key_bits: int
    test_keys: bool
    plaintext: bool
    """Nothing is encrypted: the same results in less time, for study on made-up data; wants ``test_keys``."""
    minimum_intersection: int
    leaf_floor: int
    bank_features: bool
    event: str
    non_event: str
    sample: SampleSpec
    time: TimeSpec
    model: str
    """``"trees"`` or ``"scorecard"``."""
    trees: TreeSpec
    binning: BinningSpec
    logistic: LogisticSpec
    scaling: ScalingSpec
    score_model: str
    """Job whose model scores the firms of ``bank_view``; empty for a training job."""
    text: str

    @property
    def weight_limit(self) -> float:
        """The largest sample weight that the bank's table may hold: trees are grown without weights."""
        return self.logistic.weight_limit if self.model == "scorecard" else math.inf

    @property
    def periods(self) -> int:
        """How many periods of observation the bank tells apart to the platforms; 0: it tells none.

        Months of the observation window where snapshots are monthly; else before and from the out-of-time day on.
        """
        if self.score_model:
            return 0
        return self.time.months if self.time.monthly else 2 * self.sample.has_out_of_time

    @classmethod
    def read(cls, path: Path) -> JobSpec:
        return cls._from(read_toml(path), path.read_text(encoding="utf-8-sig"), str(path))

    @classmethod
    def parse(cls, text: str, name: str = "contract") -> JobSpec:
        """From the text inside a contract."""
        return cls._from(parse_toml(text.encode(), name), text, name)

    @classmethod
    def _from(cls, top: Section, text: str, file: str) -> JobSpec:
        job = top.section("job")
        privacy = top.section("privacy", optional=True)
        test_keys = privacy.flag("test_keys", False)
        plaintext = privacy.flag("plaintext", False)
        spec = cls(
            name=job.text("name"),
            purpose=job.text("purpose", "credit-modelling"),
            bank=job.text("bank"),
            platforms=job.texts("platforms"),
            bank_view=job.text("bank_view"),
            platform_view=job.text("platform_view"),
            as_of=job.date("as_of"),
            bank_features=job.flag("bank_features", True),
            event=job.text("event", "y = 1"),
            non_event=job.text("non_event", "y = 0"),
            key_bits=_key_bits(privacy, test_keys, file),
            test_keys=test_keys,
            plaintext=plaintext,
            minimum_intersection=privacy.integer("minimum_intersection", 1000, low=1, high=10**9),
            leaf_floor=privacy.integer("leaf_floor", 20, low=1, high=10**6),
            sample=_sample(top.section("sample", optional=True), file),
            time=read_time(top.section("time", optional=True)),
            model=job.text("model", "trees", one_of=("trees", "scorecard")),
            trees=_trees(top.section("trees", optional=True)),
            binning=read_binning(top.section("binning", optional=True)),
            logistic=read_logistic(top.section("logistic", optional=True)),
            scaling=read_scaling(top.section("scorecard", optional=True)),
            score_model=_score_model(top.section("score", optional=True)),
            text=text,
        )
        for section in (job, privacy, top):
            section.done()
        _check_parties(spec, file)
        check_time(spec.time, spec.as_of, file)
        _check_out_of_time(spec, file)
        _check_plaintext(spec, file)
        return spec


_REAL_KEYS = (2048, 3072, 4096)


def _check_plaintext(spec: JobSpec, file: str) -> None:
    if spec.plaintext and not spec.test_keys:
        raise ConfigError(
            "JOB_PLAINTEXT",
            Text(en="plaintext = true encrypts nothing and may not meet real data",
                 zh="plaintext = true 表示不加密，不得用于真实数据"),
            cure=Text(en="leave it out, or label a run on made-up data with test_keys = true",
                      zh="请删去该项；若为模拟数据，请标注 test_keys = true"),
            place=Place(file=file, column="privacy.plaintext"),
        )


def _key_bits(privacy: Section, test_keys: bool, file: str) -> int:
    """2048, 3072 or 4096; under the ``test_keys`` label any multiple of 128 from 512 on."""
    bits = privacy.integer("key_bits", 2048, low=512, high=4096)
    if bits not in _REAL_KEYS and not (test_keys and bits % 128 == 0):
        raise ConfigError(
            "JOB_KEY_BITS",
            Text(en="keys for real data have 2048, 3072 or 4096 bits", zh="真实数据的密钥须为 2048、3072 或 4096 位"),
            cure=Text(en="use 2048, or label a run on made-up data with test_keys = true",
                      zh="请改为 2048；若为模拟数据，请标注 test_keys = true"),
            place=Place(file=file, column="privacy.key_bits"),
        )
    return bits


def _check_parties(spec: JobSpec, file: str) -> None:
    names = [spec.bank, *spec.platforms]
    if not spec.platforms or len(set(names)) != len(names):
        raise ConfigError(
            "JOB_PARTIES",
            Text(en="a job wants one bank and at least one platform, each named once",
                 zh="任务需要一家银行和至少一个平台，名称不得重复"),
            cure=Text(en="mend job.bank and job.platforms", zh="请修正 job.bank 与 job.platforms"),
            place=Place(file=file, column="job.platforms"),
        )


def _sample(section: Section, file: str) -> SampleSpec:
    out = SampleSpec(
        train=section.number("train", 0.6, low=0.05, high=1.0),
        valid=section.number("valid", 0.0667, low=0.0, high=0.5),
        test=section.number("test", 0.3333, low=0.0, high=0.9),
        out_of_time_from=section.optional_date("out_of_time_from"),
        out_of_time=section.number("out_of_time", 0.0, low=0.0, high=0.9),
    )
    section.done()
    if abs(out.train + out.valid + out.test - 1.0) > 1e-6:
        raise ConfigError(
            "JOB_SAMPLE_SHARES",
            Text(en="train, valid and test do not add up to 1", zh="train、valid、test 之和不等于 1"),
            cure=Text(en="mend the three shares", zh="请修正三个比例"),
            place=Place(file=file, column="sample"),
        )
    return out


def _check_out_of_time(spec: JobSpec, file: str) -> None:
    day, time = spec.sample.out_of_time_from, spec.time
    if day is None:
        return
    first, last = time.observed_from or dt.date.min, time.observed_until or spec.as_of
    if spec.sample.out_of_time > 0 or not first < day <= last:
        en = "out_of_time_from is a day inside the observation window, and stands without out_of_time"
        zh = "out_of_time_from 须为观察窗口内的日期，且不得与 out_of_time 同时填写"
    elif time.monthly and day.day != 1:
        en = "with monthly snapshots the out-of-time sample begins on the first day of a month"
        zh = "按月快照时，时间外样本须自某月首日开始"
    else:
        return
    raise ConfigError(
        "JOB_OUT_OF_TIME",
        Text(en=en, zh=zh),
        cure=Text(en="mend sample.out_of_time_from", zh="请修正 sample.out_of_time_from"),
        place=Place(file=file, column="sample.out_of_time_from"),
    )


def _score_model(section: Section) -> str:
    model = section.text("model", "")
    section.done()
    return model


def _trees(s: Section) -> TreeSpec:
    d = TreeSpec()
    out = TreeSpec(
        trees=s.integer("trees", d.trees, low=1, high=10_000),
        num_leaves=s.integer("num_leaves", d.num_leaves, low=2, high=4096),
        max_depth=s.integer("max_depth", d.max_depth, low=-1, high=63),
        learning_rate=s.number("learning_rate", d.learning_rate, low=1e-6, high=1.0),
        max_bin=s.integer("max_bin", d.max_bin, low=2, high=1023),
        min_data_in_bin=s.integer("min_data_in_bin", d.min_data_in_bin, low=1, high=10**6),
        min_data_in_leaf=s.integer("min_data_in_leaf", d.min_data_in_leaf, low=1, high=10**9),
        min_sum_hessian_in_leaf=s.number("min_sum_hessian_in_leaf", d.min_sum_hessian_in_leaf, low=0.0, high=1e9),
        lambda_l1=s.number("lambda_l1", d.lambda_l1, low=0.0, high=1e9),
        lambda_l2=s.number("lambda_l2", d.lambda_l2, low=0.0, high=1e9),
        min_gain_to_split=s.number("min_gain_to_split", d.min_gain_to_split, low=0.0, high=1e9),
        scale_pos_weight=s.number("scale_pos_weight", d.scale_pos_weight, low=1e-3, high=1e3),
        max_cat_threshold=s.integer("max_cat_threshold", d.max_cat_threshold, low=1, high=1024),
        max_cat_to_onehot=s.integer("max_cat_to_onehot", d.max_cat_to_onehot, low=1, high=1024),
        cat_l2=s.number("cat_l2", d.cat_l2, low=0.0, high=1e9),
        cat_smooth=s.number("cat_smooth", d.cat_smooth, low=0.0, high=1e9),
        early_stopping_rounds=s.integer("early_stopping_rounds", d.early_stopping_rounds, low=0, high=10_000),
        bank_only_trees=s.integer("bank_only_trees", d.bank_only_trees, low=0, high=10_000),
        gradient_bits=s.integer("gradient_bits", d.gradient_bits, low=8, high=52),
    )
    s.done()
    return out
