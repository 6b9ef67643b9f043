"""Answers on the page: their Markdown is formatted and inert, and what stands below can be used."""

from __future__ import annotations

import pytest
import pytest_asyncio
from playwright.async_api import expect

from bot.event import Button
from tests.e2e.browser import chromium, window  # noqa: F401  (chromium is a fixture)
from tests.e2e.page_bot import answer, answering, page_bot

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(90),  # the first test also starts the browser
]

WHOLE = """# 图里有三个图形

左边是**红色**的*圆形*，~~绿色~~，`#d8352a`。

- 圆形
- 星形
  1. 上面
  2. 下面

| 形状 | 数量 |
| --- | ---: |
| 圆形 | 1 |

```python
print("圆")
```

> 画得很清楚

---

[说明](https://example.org/a)
"""
HOSTILE = [
    pytest.param("<script>document.title = 'seen'</script>", id="script"),
    pytest.param("<img src=x onerror=\"document.title='seen'\">", id="onerror"),
    pytest.param("![照片](http://evil.example/x.png?secret)", id="picture"),
    pytest.param("[![照片](http://evil.example/y.png)](http://evil.example/)", id="linked-picture"),
    pytest.param("[看](javascript:document.title='seen')", id="javascript"),
    pytest.param("[看](JaVaScRiPt&colon;alert(1)) <javascript:alert(1)>", id="disguised"),
    pytest.param("[看](data:text/html,<script>alert(1)</script>)", id="data"),
    pytest.param("![照片](data:image/svg+xml,<svg onload=alert(1)>)", id="data-picture"),
    pytest.param("<iframe src=//evil.example></iframe><style>*{display:none}</style>", id="frame"),
    pytest.param("[看](file:///etc/passwd) [看](//evil.example) [看](vbscript:x)", id="schemes"),
    pytest.param("[ref]: javascript:alert(1)\n\n[看][ref] <svg/onload=alert(1)>", id="reference"),
    pytest.param('```"><img src=http://evil.example/z.png>\n</code><script>1\n```', id="fence"),
]
# What the program would never send, should it ever be fooled.
FORGED = """async () => {
    const {planAnswer} = await import("/markdown.js");
    const {renew} = await import("/nodes.js");
    const box = document.createElement("div");
    document.body.append(box);
    const text = {t: "text", text: "看"};
    renew(box, planAnswer([
        {t: "p", c: [{t: "link", href: "javascript:document.title='seen'", c: [text]}]},
        {t: "p", c: [{t: "link", href: "data:text/html,1", c: [text]}]},
        {t: "p", c: [{t: "img", src: "http://evil.example/1.png", text: "照片"}]},
        {t: "script", text: "document.title = 'seen'"},
        {t: "table", align: ["x\\" onclick=1"], head: [[text]], rows: []},
        {t: "ol", start: "1\\" onload=1", c: [[{t: "p", c: [text]}]]},
    ], false));
    return box.innerHTML;
}"""


@pytest_asyncio.fixture(loop_scope="module")
async def bot(tmp_path):
    async with page_bot(tmp_path) as bot:
        yield bot


@pytest_asyncio.fixture(loop_scope="module")
async def person(chromium, bot):  # noqa: F811
    async with window(chromium, bot.url) as person:
        yield person


def tool(person, name):
    return person.page.locator(".from-bot").get_by_role("button", name=name)


async def test_markdown_is_shown_as_it_is_meant(bot, person):
    await answer(bot, person, WHOLE)
    words = person.bubbles()

    await expect(words.locator("h3")).to_have_text("图里有三个图形")
    await expect(words.locator("strong")).to_have_text("红色")
    await expect(words.locator("em")).to_have_text("圆形")
    await expect(words.locator("del")).to_have_text("绿色")
    await expect(words.locator("p > code")).to_have_text("#d8352a")
    await expect(words.locator("li ol > li")).to_have_text(["上面", "下面"])
    await expect(words.locator("td.right")).to_have_text("1")
    await expect(words.locator("pre code")).to_have_text('print("圆")')
    await expect(words.locator("blockquote")).to_have_text("画得很清楚")
    await expect(words.locator("hr")).to_have_count(1)


async def test_link_shows_where_it_leads_and_tells_nothing_of_the_page(bot, person):
    await answer(bot, person, "[说明](https://example.org/a)")
    link = person.bubbles().locator("a")

    await expect(person.bubbles()).to_have_text("说明 (example.org)")
    await expect(link).to_have_attribute("href", "https://example.org/a")
    await expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    await expect(link).to_have_attribute("target", "_blank")


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("[bank.com](https://k.co)", "bank.com (k.co)"),
        ("[https://bank.com](https://evil.example/x)", "https://bank.com (evil.example)"),
        ("<https://bank.com@evil.example>", "https://bank.com@evil.example (evil.example)"),
        (
            "[evil.example is not bank.com](https://evil.example)",
            "evil.example is not bank.com (evil.example)",
        ),
        ("<https://example.org/a>", "https://example.org/a"),
        ("[example.org](https://example.org/a)", "example.org"),
    ],
)
async def test_no_words_of_a_link_hide_where_it_leads(bot, person, markdown, shown):
    await answer(bot, person, markdown)

    await expect(person.bubbles()).to_have_text(shown)


@pytest.mark.parametrize("markdown", HOSTILE)
async def test_hostile_answer_is_inert_while_it_is_written_and_after(bot, person, markdown):
    title = await person.page.title()
    await person.ask("图里有什么？")
    await bot.asked()
    await bot.begin()

    for final in (False, True):
        await bot.write(f"开始\n\n{markdown}\n\n完", final=final, rich=True)
        await expect(person.bubbles()).to_contain_text("完")

        active = "img, script, iframe, style, svg, object, embed, form, input, [onerror], [onload]"
        await expect(person.bubbles().locator(active)).to_have_count(0)
        links = await person.bubbles().locator("a").evaluate_all("(all) => all.map((a) => a.href)")
        assert [link for link in links if not link.startswith(("http:", "https:", "mailto:"))] == []
        assert await person.page.title() == title
    # that nothing was asked from elsewhere, `window` looks at


async def test_page_does_not_trust_the_program_either(person):
    shown = await person.page.evaluate(FORGED)

    assert "javascript:" not in shown
    assert "data:" not in shown
    assert "evil" not in shown
    assert "<script" not in shown
    assert "onclick" not in shown
    assert "onload" not in shown


async def test_what_was_read_already_stays_in_place_while_more_is_written(bot, person):
    await person.ask("图里有什么？")
    await bot.asked()
    await bot.begin("…")
    await bot.write("# 图里\n\n- 圆形\n- 星", rich=True)
    await expect(person.bubbles().locator("li")).to_have_count(2)
    await person.page.evaluate(
        """() => {
            document.querySelector(".from-bot h3").mine = true;
            document.querySelector(".from-bot li").mine = true;
            getSelection().selectAllChildren(document.querySelector(".from-bot h3"));
        }"""
    )

    await bot.write("# 图里\n\n- 圆形\n- 星形\n\n**完**", rich=True)
    await expect(person.bubbles().locator("li")).to_have_text(["圆形", "星形"])

    kept = """() => [document.querySelector(".from-bot h3").mine,
        document.querySelector(".from-bot li").mine, String(getSelection())]"""
    assert await person.page.evaluate(kept) == [True, True, "图里"]
    await bot.write("好了", final=True)


async def test_caret_stands_where_the_next_words_will_come(bot, person):
    async with answering(bot, person):
        await bot.write("图里有：\n\n- 圆形\n- 星", rich=True)

        await expect(person.page.locator(".from-bot li:last-child .caret")).to_be_visible()
    await expect(person.page.locator(".caret")).to_have_count(0)


async def test_screen_reader_hears_the_whole_answer_once_and_not_each_piece(bot, person):
    watch = """() => {
        window.heard = [];
        new MutationObserver(() => {
            window.heard.push(document.querySelector("#said").textContent);
        }).observe(document.querySelector("#said"), {childList: true, characterData: true});
    }"""
    await person.page.evaluate(watch)
    await person.ask("图里有什么？")
    await bot.asked()
    await bot.begin()
    for count in range(1, 8):
        await bot.write("图里有**圆形**" * count, rich=True)
        await expect(person.bubbles()).to_have_text("图里有圆形" * count)
    await bot.write("图里有**圆形**。", final=True, rich=True)

    await expect(person.page.locator("#said")).to_have_text("回答：图里有圆形。")
    assert await person.page.evaluate("window.heard") == ["正在回答", "回答：图里有圆形。"]


async def test_answer_and_code_can_be_copied(bot, person):
    await person.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await answer(bot, person, WHOLE)
    copied = "navigator.clipboard.readText()"

    await tool(person, "复制代码").click()
    await expect(person.page.locator("#said")).to_have_text("已复制")
    assert await person.page.evaluate(copied) == 'print("圆")'

    await tool(person, "复制回答").click()
    await expect(tool(person, "复制回答")).to_have_class("tool done")
    assert (await person.page.evaluate(copied)).strip() == WHOLE.strip()


async def test_answer_can_be_copied_where_browsers_give_no_clipboard(bot, person):
    await person.page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    await answer(bot, person, "红色")

    await tool(person, "复制回答").click()
    await expect(person.page.locator("#said")).to_have_text("已复制")
    await person.page.locator("#question").press("Control+v")

    await expect(person.page.locator("#question")).to_have_value("红色")


@pytest.mark.parametrize(
    ("label", "name"), [("再答一次", "again"), ("有帮助", "up"), ("没帮助", "down")]
)
async def test_button_below_an_answer_is_a_press_of_that_answer(bot, person, label, name):
    await answer(bot, person, "红色")

    await tool(person, label).click()

    event = await bot.asked()
    assert (event.kind, event.text, event.about) == ("press", name, bot.answer)


async def test_thumb_shows_that_it_was_given_and_can_be_turned(bot, person):
    await answer(bot, person, "红色")

    await tool(person, "有帮助").click()
    await expect(person.page.locator('[aria-pressed="true"][data-name]')).to_have_count(1)
    await expect(tool(person, "有帮助")).to_be_focused()
    await tool(person, "没帮助").click()

    await expect(tool(person, "没帮助")).to_have_attribute("aria-pressed", "true")
    await expect(tool(person, "有帮助").first).to_have_attribute("aria-pressed", "false")


async def test_thumb_that_was_not_taken_is_taken_back_and_said(bot, person):
    await answer(bot, person, "红色")
    await person.page.route("**/api/press*", lambda route: route.abort())

    await tool(person, "有帮助").click()

    await expect(person.page.get_by_role("alert")).to_contain_text("没能联系上程序")
    await expect(tool(person, "有帮助")).to_have_attribute("aria-pressed", "false")
    person.faults.clear()  # the browser notes the lost call


async def test_buttons_of_the_service_desk_are_there_with_their_words(bot, person):
    await person.ask("人工")
    await bot.asked()
    scores = [Button(f"rate 12 {score}", str(score)) for score in range(1, 6)]
    await bot.say("请评分", buttons=[*scores, Button("person", "找人工")])

    await tool(person, "4").click()
    assert (await bot.asked()).text == "rate 12 4"
    await tool(person, "找人工").click()
    assert (await bot.asked()).text == "person"


async def test_words_of_the_program_are_no_markdown(bot, person):
    await person.ask("/help")
    await bot.asked()

    await bot.say("发 *照片* 和问题。\n/stop  停止 <b>")

    await expect(person.bubbles()).to_have_text("发 *照片* 和问题。\n/stop  停止 <b>")
