"""The data dictionary of the made-up enterprises: what each column means, in both languages.

One entry per column that :mod:`vfl.data.synthetic` writes. A platform feature names its item of the national
catalogue, and with it the responsible department; a bank feature comes from the bank's own books. Reports
take their labels from here, ``views.toml`` its kinds, sensitivities and items.

``python -m vfl.data.dictionary > docs/data-dictionary.md`` renders the page; a test compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vfl.data.catalogue import Catalogue
from vfl.data.schema import FeatureKind
from vfl.errors import Text
from vfl.roles import RoleName

__all__ = ["FEATURES", "Feature", "documentation", "feature_labels", "features_of"]


@dataclass(frozen=True, slots=True)
class Feature:
    """One column.

    Attributes
    ----------
    decimals : int
        Digits after the point as written; 0 for counts and for categories.
    sensitivity : int
        1 to 5, JR/T 0197-2020.
    item : str or None
        Catalogue item; None for what the bank holds itself.
    declared : bool
        Whether ``views.toml`` declares it; a column that is not declared never enters a job.
    """

    name: str
    owner: RoleName
    kind: FeatureKind
    label: Text
    unit: Text
    decimals: int
    sensitivity: int
    item: str | None = None
    declared: bool = True


_CNY = Text("CNY", "元")
_CNY_10K = Text("10,000 CNY", "万元")
_COUNT = Text("count", "次数")
_NUMBER = Text("number", "个数")
_SHARE = Text("share (0.1 = 10 %)", "比例（0.1 即 10%）")
_MONTHS = Text("months", "月")
_YEARS = Text("years", "年")
_DAYS = Text("days", "天")
_FLAG = Text("1 = yes", "1 为是")


def _bank(name: str, en: str, zh: str, unit: Text, *, decimals: int = 0, sensitivity: int = 4) -> Feature:
    return Feature(name, RoleName.BANK, FeatureKind.NUMERIC, Text(en, zh), unit, decimals, sensitivity)


def _bank_levels(name: str, en: str, zh: str, levels: Text, *, sensitivity: int = 3) -> Feature:
    return Feature(name, RoleName.BANK, FeatureKind.CATEGORICAL, Text(en, zh), levels, 0, sensitivity)


def _shared(
    item: str, name: str, en: str, zh: str, unit: Text, *, decimals: int = 0, sensitivity: int = 3
) -> Feature:
    return Feature(
        name, RoleName.PLATFORM, FeatureKind.NUMERIC, Text(en, zh), unit, decimals, sensitivity, item
    )


def _shared_levels(
    item: str, name: str, en: str, zh: str, levels: Text, *, sensitivity: int = 3, declared: bool = True
) -> Feature:
    return Feature(
        name, RoleName.PLATFORM, FeatureKind.CATEGORICAL, Text(en, zh), levels, 0, sensitivity, item, declared
    )


_BANK = (
    _bank_levels("industry", "Industry", "所属行业", Text("section of GB/T 4754", "GB/T 4754 门类"), sensitivity=2),
    _bank_levels("region", "Region", "所在地区", Text("letters of GB/T 2260", "GB/T 2260 字母码"), sensitivity=2),
    _bank_levels("size_class", "Size", "企业规模", Text("micro, small, medium", "微型、小型、中型"), sensitivity=2),
    _bank_levels(
        "loan_purpose",
        "Purpose of the loan",
        "贷款用途",
        Text(
            "working_capital, equipment, trade, renovation, refinancing, other",
            "流动资金、设备、贸易、装修、借新还旧、其他",
        ),
    ),
    _bank_levels(
        "guarantee",
        "Guarantee",
        "担保方式",
        Text("unsecured, guarantor, mortgage, pledge, fund", "信用、保证、抵押、质押、政府性担保基金"),
    ),
    _bank("credit_limit", "Credit limit", "授信额度", _CNY_10K, decimals=1),
    _bank("utilisation", "Utilisation of the limit", "额度使用率", _SHARE, decimals=3),
    _bank("loan_term", "Term of the loan", "贷款期限", _MONTHS),
    _bank("overdue_times_24m", "Times overdue, 24 months", "近 24 个月逾期次数", _COUNT, sensitivity=5),
    _bank("overdue_days_24m", "Longest time overdue, 24 months", "近 24 个月最长逾期天数", _DAYS, sensitivity=5),
    _bank("relationship_months", "Length of the relationship", "合作时长", _MONTHS, sensitivity=3),
    _bank("turnover_monthly", "Mean monthly inflow", "月均账户流入", _CNY_10K, decimals=2),
    _bank("turnover_change_6m", "Change of inflow, 6 months", "近 6 个月账户流入变化率", _SHARE, decimals=3),
    _bank("deposit_ratio", "Deposits to limit", "存款与授信额度之比", _SHARE, decimals=3),
    _bank("enquiries_6m", "Credit enquiries, 6 months", "近 6 个月征信查询次数", _COUNT, sensitivity=5),
    _bank("payroll_accounts", "Payroll accounts at the bank", "本行代发工资户数", _NUMBER, sensitivity=3),
)

_PLATFORM = (
    _shared("representative.name", "representative_changes_2y", "Changes of the legal representative, 2 years",
            "近两年法定代表人变更次数", _COUNT, sensitivity=2),
    _shared("shareholders.contributions", "firm_age", "Years since the first contribution",
            "首次出资至今年数", _YEARS, decimals=1, sensitivity=2),
    _shared("shareholders.contributions", "shareholders", "Shareholders", "股东数量", _NUMBER, sensitivity=2),
    _shared("tax.deferral", "tax_deferred", "Tax deferred", "缓税金额", _CNY, sensitivity=4),
    _shared("tax.arrears", "tax_arrears", "Tax in arrears", "欠税金额", _CNY, sensitivity=4),
    _shared("tax.arrears", "tax_late_payments_12m", "Late tax payments, 12 months", "近 12 个月逾期缴税次数",
            _COUNT, sensitivity=4),
    _shared("tax.statements", "debt_ratio", "Debt to assets", "资产负债率", _SHARE, decimals=3, sensitivity=4),
    _shared("tax.statements", "net_margin", "Net margin", "净利率", _SHARE, decimals=3, sensitivity=4),
    _shared("tax.statements", "revenue_growth", "Growth of revenue", "营业收入增长率", _SHARE, decimals=3,
            sensitivity=4),
    _shared("judicial.dishonest", "dishonest_records", "Records as dishonest judgment debtor",
            "失信被执行记录数", _COUNT, sensitivity=1),
    _shared_levels("trade.basics", "trader_status", "Customs registration", "海关备案类型",
                   Text("none, consignee, declarant, both", "无、收发货人、报关企业、两者"), sensitivity=2),
    _shared("trade.duty", "customs_duty_12m", "Customs duty paid, 12 months", "近一年海关税款缴纳金额", _CNY,
            sensitivity=4),
    _shared("trade.duty", "months_since_duty", "Months since the last duty", "距最近一次缴纳海关税款月数",
            _MONTHS, sensitivity=4),
    _shared("environment.carbon", "carbon_tonnes", "Carbon dioxide made public, last year",
            "最近一年已公开的二氧化碳排放总量", Text("tonnes", "吨"), sensitivity=1),
    _shared("environment.assessment", "eia_penalty_points", "Penalty points in impact assessment",
            "环评失信记分", Text("points", "分"), sensitivity=2),
    _shared("social.pension", "pension_headcount_change_6m", "Change of pension headcount, half year",
            "近半年养老保险参保人数变化率", _SHARE, decimals=3),
    _shared("social.pension", "pension_payments_6m", "Regular pension contributions, half year",
            "近半年养老保险正常缴费次数", _COUNT),
    _shared("social.medical.basic", "insured_headcount", "Insured headcount", "医疗保险参保人数", _NUMBER),
    _shared("social.medical.arrears", "medical_arrears_24m", "Medical insurance in arrears, 24 months",
            "近两年医疗保险欠缴金额", _CNY),
    _shared("social.medical.changes", "medical_pay_change_3m", "Change of medical contributions, quarter",
            "近一季度医疗保险缴费金额变化率", _SHARE, decimals=3),
    _shared("ip.pledge", "ip_pledges", "Pledges of intellectual property", "知识产权质押登记数", _NUMBER,
            sensitivity=1),
    _shared("property.title", "owns_property", "Owns real estate", "名下有不动产", _FLAG, sensitivity=4),
    _shared("property.mortgage", "property_mortgaged", "Real estate mortgaged", "名下不动产已抵押", _FLAG,
            sensitivity=4),
    _shared_levels(
        "innovation.evaluation", "innovation_title", "Title of innovation", "科技创新称号",
        Text("none, tech_sme, innovative, high_tech, specialised, little_giant",
             "无、科技型中小企业、创新型、高新技术、专精特新、专精特新“小巨人”"),
        sensitivity=1,
    ),
    _shared_levels("farms.insurance", "farm_insurance", "Agricultural insurance", "农业保险投保类型",
                   Text("none, crop, livestock", "无、种植业、养殖业")),
    _shared("agriculture.growers", "large_grower", "On the list of large growers", "种植大户", _FLAG,
            sensitivity=2),
    _shared("procurement.transactions", "public_bids_24m", "Public contracts won, 24 months",
            "近两年公共资源交易中标次数", _COUNT, sensitivity=1),
    _shared("procurement.transactions", "public_bid_amount_24m", "Value of public contracts, 24 months",
            "近两年公共资源交易中标金额", _CNY_10K, decimals=1, sensitivity=1),
    _shared_levels("qualification.construction", "construction_grade", "Construction qualification",
                   "建筑业企业资质等级", Text("none, third, second, first, special", "无、三级、二级、一级、特级"),
                   sensitivity=1),
    _shared("medical_providers.designated", "insurance_designated", "Designated by medical insurance",
            "医保定点单位", _FLAG, sensitivity=2),
    _shared("utilities.water", "water_arrears", "Water bills in arrears", "水费欠费金额", _CNY, decimals=1),
    _shared("utilities.electricity", "power_arrears", "Electricity bills in arrears", "电费欠费金额", _CNY,
            decimals=1),
    _shared("utilities.electricity", "power_breaches_24m", "Breaches of the electricity contract, 24 months",
            "近两年用电违约次数", _COUNT),
    _shared("utilities.electricity", "power_load", "Running to contracted capacity", "运行容量与合同容量之比",
            _SHARE, decimals=3),
    _shared_levels("utilities.electricity", "power_status", "Status of the electricity account", "用电账户状态",
                   Text("normal, reduced, suspended, cut_off", "正常、减容、暂停、停电")),
    _shared("utilities.gas", "gas_arrears", "Gas bills in arrears", "燃气欠费金额", _CNY, decimals=1),
    # Written to the table and left out of the view: no credit decision needs it, so no job ever reads it.
    _shared_levels("marriage.representative", "representative_marriage", "Marital status of the representative",
                   "法定代表人婚姻状况", Text("married, single, divorced, widowed", "已婚、未婚、离异、丧偶"),
                   sensitivity=5, declared=False),
)  # fmt: skip

FEATURES: tuple[Feature, ...] = (*_BANK, *_PLATFORM)
"""All columns besides code, label and dates, in the order of the files."""


def features_of(owner: RoleName) -> tuple[Feature, ...]:
    """The columns of one kind of owner."""
    return tuple(feature for feature in FEATURES if feature.owner is owner)


def feature_labels() -> Mapping[str, Text]:
    """Name of each column for people, by column."""
    return {feature.name: feature.label for feature in FEATURES}


_HEAD = """# Data dictionary of the synthetic enterprises / 合成企业数据字典

Written by `vfl.data.synthetic` for demonstrations and tests: no row describes a real firm. Platform columns name their
item of the [catalogue](catalogue.md); bank columns come from the bank's own books (—). Sensitivity follows
JR/T 0197-2020 (1 public to 5 highest). A column marked “no” under *view* is in the file and never loaded.

由 `vfl.data.synthetic` 生成，用于演示与测试，不对应任何真实企业。平台字段注明所属[信用信息目录](catalogue.md)条目，
银行字段来自本行业务系统（—）。敏感级别依据 JR/T 0197-2020（1 级公开至 5 级最高）。
“视图”列为“否”的字段虽在文件中，但不会被读取。

Generated by `python -m vfl.data.dictionary`; do not edit. 本文件自动生成，请勿手改。

Besides these, / 此外：

| Column 列 | 说明 | Meaning |
| --- | --- | --- |
| `uscc` | 统一社会信用代码（合成，校验位有效） | Unified social credit code, made up, both check characters valid |
| `y` | 仅银行：12 个月内逾期 90 天以上为 1 | Bank only: 1 = 90 or more days past due within 12 months |
| `observed_on` | 仅银行：观察日（月末），可切分时间外样本 | Bank only: end of the month observed; splits out of time |
| `as_of` | 特征快照日，不晚于观察日 | Date of the snapshot, never after the observation date |
"""
_COLUMNS = (
    "| Column 列 | 名称 | Name | 单位或取值 | Unit or levels "
    "| Item 条目 | 责任单位 | Department | Sensitivity 级别 | View 视图 |"
)


def documentation() -> str:
    """The dictionary as a Markdown page, both languages side by side."""
    catalogue = Catalogue.load()
    lines = [_HEAD]
    for title, owner in (("Bank / 银行", RoleName.BANK), ("Platform / 平台", RoleName.PLATFORM)):
        lines += [f"## {title}", "", _COLUMNS, "|" + " --- |" * 10]
        lines += [_row(feature, catalogue) for feature in features_of(owner)]
        lines.append("")
    return "\n".join(lines)


def _row(feature: Feature, catalogue: Catalogue) -> str:
    departments = catalogue.item(feature.item).departments if feature.item is not None else ()
    cells = (
        f"`{feature.name}`",
        feature.label.zh,
        feature.label.en,
        feature.unit.zh,
        feature.unit.en,
        f"`{feature.item}`" if feature.item is not None else "—",
        "、".join(department.name.zh for department in departments) or "—",
        ", ".join(department.name.en for department in departments) or "—",
        str(feature.sensitivity),
        "yes 是" if feature.declared else "no 否",
    )
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    print(documentation(), end="")
