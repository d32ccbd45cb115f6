"""What a tag names: one question where one is enough."""




def test_a_head_tells_the_digest(asker, server):
    wanted = server.publish("app", "1", **{"Last-Modified": "Mon, 23 Nov 2026 10:00:00 GMT"})
    published = asker.registry().published(server.reference("app:1"))
    assert published.digest == wanted
    assert published.last_modified.isoformat() == "2026-11-23T10:00:00+00:00"
    assert published.mirror is None
    assert server.asked == ["HEAD /v2/app/manifests/1"]
