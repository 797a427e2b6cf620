import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from alerts.canary_watch import Cut, Grid, Hop
from alerts.feeds.alarms import AGAIN_US, Alarms
from alerts.notification import Text, Tried
from alerts.technical import Keeper

GRIDS = (Grid(1, "grid-1"), Grid(2, "grid-2"))
ONE = Cut(Hop.MQTT, GRIDS[:1], everybody=False)
BOTH = Cut(Hop.MQTT, GRIDS, everybody=True)
ROBOT = "robot://secret"
SUPERVISOR = Keeper("sup-1", ("mail://sup", ROBOT), (), frozenset({1}))
COLLEAGUE = Keeper("sup-2", (ROBOT,), ("zh",), frozenset({1}))
ADMIN = Keeper("admin-1", ("mail://admin",), ("zh",), frozenset({2}))


class Post:
    """Contacts, and a clock that is set."""

    def __init__(self) -> None:
        self.now = 0
        self.had: list[tuple[str, str]] = []
        self.deaf: set[str] = set()
        self.rest_s = 0.0

    async def alarm(self, address: str, text: Text) -> Tried:
        await asyncio.sleep(0)
        self.had.append((address, text.body))
        return Tried("x", taken=address not in self.deaf, rest_s=self.rest_s)

    def to(self, address: str) -> list[str]:
        return [body for whom, body in self.had if whom == address]


@asynccontextmanager
async def running(post: Post) -> AsyncIterator[Alarms]:
    alarms = Alarms(post, "https://console.example", lambda: post.now, 0.0)
    alarms.keepers = (SUPERVISOR, COLLEAGUE, ADMIN)
    task = asyncio.create_task(alarms.run())
    yield alarms
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def rounds() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def until(so: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not so():
            await asyncio.sleep(0)


async def test_each_address_has_one_message_of_each_cut() -> None:
    post = Post()
    async with running(post) as alarms:
        alarms.are([ONE])
        await until(lambda: len(post.had) == 2)
        await rounds()
        assert sorted(address for address, _ in post.had) == ["mail://sup", ROBOT]
        alarms.are([BOTH])
        await until(lambda: post.to("mail://admin"))
        await rounds()
        assert len(post.had) == 3
        alarms.are([])
        await until(lambda: len(post.had) == 6)
        assert post.to("mail://sup")[1].startswith("The technical alarm is over")
        assert post.to("mail://admin")[1].startswith("技术告警已解除")
        await rounds()
        assert len(post.had) == 6


async def test_who_was_reached_by_one_contact_is_told() -> None:
    post = Post()
    post.deaf = {"mail://sup"}
    async with running(post) as alarms:
        alarms.are([ONE])
        await until(lambda: len(post.had) == 2)
        post.now += 100 * AGAIN_US
        await rounds()
        assert len(post.had) == 2


async def test_whom_nothing_reaches_is_tried_less_and_less_often() -> None:
    post = Post()
    post.deaf = {"mail://sup", ROBOT, "mail://admin"}
    async with running(post) as alarms:
        alarms.are([BOTH])
        for rest_us in (AGAIN_US, 2 * AGAIN_US, 4 * AGAIN_US):
            before = len(post.had)
            await until(lambda before=before: len(post.had) == before + 3)  # type: ignore[misc]
            await rounds()
            assert len(post.had) == before + 3
            post.now += rest_us - 1
            await rounds()
            assert len(post.had) == before + 3
            post.now += 1
        post.deaf.clear()
        await until(lambda: len(post.had) == 12)


async def test_a_robot_that_had_too_much_is_left_alone_for_as_long_as_it_says() -> None:
    post = Post()
    post.deaf, post.rest_s = {"mail://admin"}, 600.0
    async with running(post) as alarms:
        alarms.are([Cut(Hop.MQTT, GRIDS[1:], everybody=False)])
        await until(lambda: len(post.had) == 1)
        post.now += 599_000_000
        await rounds()
        assert len(post.had) == 1


async def test_one_who_was_told_too_late_hears_that_it_is_over() -> None:
    post = Post()
    gate = asyncio.Event()
    take = post.alarm

    async def slow(address: str, text: Text) -> Tried:
        await gate.wait()
        return await take(address, text)

    post.alarm = slow  # type: ignore[method-assign]
    async with running(post) as alarms:
        alarms.are([Cut(Hop.MQTT, GRIDS[1:], everybody=False)])
        await rounds()
        alarms.are([])
        gate.set()
        await until(lambda: len(post.to("mail://admin")) == 2)


async def test_what_is_for_another_process_to_say_is_not_said() -> None:
    post = Post()
    async with running(post) as alarms:
        alarms.are([ONE])
        await until(lambda: len(post.had) == 2)
        alarms.forget()
        await rounds()
        alarms.are([])
        await rounds()
        assert len(post.had) == 2
