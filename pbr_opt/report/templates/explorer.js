"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const aim = document.getElementById("aim"), budget = document.getElementById("budget");
  const at = (id) => document.getElementById(id);
  const money = (x) => Math.abs(x) >= 1e7 ? `£${(x / 1e6).toLocaleString("en-GB", {minimumFractionDigits: 1, maximumFractionDigits: 1})}m`
    : `£${Math.round(x).toLocaleString("en-GB")}`;
  const count = (x) => Math.round(x).toLocaleString("en-GB");
  const share = (x) => `${(100 * x).toFixed(1)} %`;
  const cell = (row, text, name) => { const td = document.createElement(name || "td"); td.textContent = text; row.append(td); return td; };
  const bars = (row, before, now, most) => {
    const td = cell(row, ""); td.className = "bars";
    for (const [value, kind] of [[before, "bar base"], [now, "bar"]]) {
      const line = document.createElement("div"), bar = document.createElement("span");
      bar.className = kind; bar.style.width = `${most > 0 ? 11 * value / most : 0}rem`; line.append(bar); td.append(line);
    }
  };
  const cards = [["spend", "Spend", money], ["parked", "Parked", share], ["additional", "Additional outcomes", count],
    ["support", "Support a head", money], ["windfall", "Windfall in outcome payments", share]];

  const showCards = (point) => {
    at("cards").replaceChildren(...cards.map(([key, label, show]) => {
      const card = document.createElement("div"), number = document.createElement("strong");
      card.className = "card"; number.textContent = show(point[key]);
      card.append(label, number, `as it is: ${show(data.base[key])}`);
      return card;
    }));
  };
  const showGroups = (point) => {
    const dearest = Math.max(...data.base.price, ...point.price);
    at("groups").replaceChildren(...data.groups.map((group, g) => {
      const row = document.createElement("tr");
      cell(row, `${group.id} ${group.name === group.id ? "" : group.name}`.trim(), "th").scope = "row";
      cell(row, `${money(data.base.price[g])} → ${money(point.price[g])}`);
      bars(row, data.base.price[g], point.price[g], dearest);
      cell(row, `${share(data.base.groupParked[g])} → ${share(point.groupParked[g])}`);
      cell(row, `${count(group.people * data.base.groupParked[g])} → ${count(group.people * point.groupParked[g])}`);
      cell(row, `${money(data.base.groupSupport[g])} → ${money(point.groupSupport[g])}`);
      return row;
    }));
  };
  const showTiers = (point) => {
    const body = at("tiers");
    if (!body) return;
    body.replaceChildren(...point.tiers.map((tier, k) => {
      const row = document.createElement("tr"), was = data.base.tiers[k] || tier;
      cell(row, tier.tier, "th").scope = "row";
      cell(row, `${count(was.stayed)} → ${count(tier.stayed)} of ${count(tier.agents)}`);
      cell(row, `${share(was.delivered_share)} → ${share(tier.delivered_share)}`);
      cell(row, `${share(was.parked_share)} → ${share(tier.parked_share)}`);
      cell(row, `${money(was.income_gbp)} → ${money(tier.income_gbp)}`);
      cell(row, `${money(was.profit_gbp)} → ${money(tier.profit_gbp)}`);
      return row;
    }));
  };
  const show = () => {
    const line = data.aims[aim.selectedIndex], k = Math.min(Number(budget.value), line.points.length - 1);
    budget.max = line.points.length - 1;
    const words = `${money(line.budget[k])}, ${line.label}`;
    budget.setAttribute("aria-valuetext", money(line.budget[k]));
    at("chosen").textContent = `Budget ${words}: ${line.status[k] === "optimal" ? "proved best" : `status ${line.status[k]}`}; ` +
      `parks ${share(line.points[k].parked)} (as it is ${share(data.base.parked)}).`;
    at("budget-text").textContent = money(line.budget[k]);
    showCards(line.points[k]); showGroups(line.points[k]); showTiers(line.points[k]);
  };
  data.aims.forEach((line) => aim.add(new Option(line.label)));
  const start = data.aims[0].budget.findIndex((b) => b >= data.base.spend * (1 - 1e-6));
  budget.max = data.aims[0].points.length - 1;
  budget.value = Math.max(start, 0);
  aim.addEventListener("input", show);
  budget.addEventListener("input", show);
  show();
})();
