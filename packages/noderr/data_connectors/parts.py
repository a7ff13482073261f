"""The feeds that a node's settings name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from noderr.core.errors import SettingsError
from noderr.core.parts import NodeContext
from noderr.data_connectors import binance, coinbase, kraken
from noderr.data_connectors.binance import BinanceSession
from noderr.data_connectors.catalogue import FeedMetrics
from noderr.data_connectors.coinbase import CoinbaseSession
from noderr.data_connectors.frame_log import FrameRecorder
from noderr.data_connectors.http_snapshots import BinanceSnapshots
from noderr.data_connectors.kraken import KrakenSession
from noderr.data_connectors.session import VenueSession
from noderr.data_connectors.stream_client import StreamClient
from noderr.data_connectors.stream_policy import StreamPolicy
from noderr.data_connectors.venue_feed import Snapshots, VenueFeed
from noderr.market_data.live_market import MarketName

_MB = 1_000_000


@dataclass(frozen=True)
class Endpoints:
    """Where the venues are; tests name servers of their own."""

    streams: Mapping[str, str]
    binance_http: str = binance.SNAPSHOT_URL


PUBLIC = Endpoints({kraken.VENUE: kraken.URL, binance.VENUE: binance.URL, coinbase.VENUE: coinbase.URL})


class PublicFeeds:
    """The feeds of these markets, one for each venue; opened anew whenever their service starts."""

    def __init__(
        self,
        node: NodeContext,
        names: Sequence[MarketName],
        endpoints: Endpoints | None = None,
        policy: StreamPolicy | None = None,
    ) -> None:
        """`endpoints` are the venues' own unless said otherwise. Raises `SettingsError` for an unknown venue."""
        endpoints = endpoints or PUBLIC
        unknown = sorted({name.venue for name in names} - set(endpoints.streams))
        if unknown:
            known = ", ".join(sorted(endpoints.streams))
            raise SettingsError([f"NODEOS_FEEDS names {', '.join(unknown)}: this build speaks with {known}"])
        self._node = node
        self._names = sorted(names, key=lambda name: (name.venue, name.symbol))
        self._endpoints = endpoints
        self._policy = policy
        self._metrics = FeedMetrics(node.metrics.registry)

    def open(self) -> list[VenueFeed]:
        """Not connected yet. Raises, where frames are recorded, `FrameLogError` and `OSError`."""
        return [
            self._feed(venue, [market.symbol for market in markets])
            for venue, markets in groupby(self._names, key=lambda name: name.venue)
        ]

    def _feed(self, venue: str, symbols: Sequence[str]) -> VenueFeed:
        node = self._node
        session, path, snapshots = _session(venue, symbols, self._endpoints)
        randomness = node.randomness(f"feed {venue}")
        client = StreamClient(
            venue,
            self._endpoints.streams[venue] + path,
            clock=node.clock,
            randomness=randomness,
            metrics=self._metrics,
            policy=self._policy,
        )
        return VenueFeed(
            session,
            client,
            clock=node.clock,
            randomness=randomness,
            metrics=self._metrics,
            snapshots=snapshots,
            recorder=_recorder(node, venue),
        )


def _session(venue: str, symbols: Sequence[str], endpoints: Endpoints) -> tuple[VenueSession, str, Snapshots | None]:
    """What speaks with the venue, what follows its address, and where its books are asked for."""
    if venue == kraken.VENUE:
        return KrakenSession(symbols), "", None
    if venue == coinbase.VENUE:
        return CoinbaseSession(symbols), "", None
    return BinanceSession(symbols), binance.stream_path(symbols), BinanceSnapshots(endpoints.binance_http)


def _recorder(node: NodeContext, venue: str) -> FrameRecorder | None:
    if not node.settings.feed_recording_mb:
        return None
    folder = node.data_dir / "frames"
    folder.mkdir(mode=0o700, exist_ok=True)
    # Two files of each venue: the one that grows, and the one before.
    return FrameRecorder(folder / f"{venue}.frames", node.settings.feed_recording_mb * _MB // 2)
