"""A whole party comes back from its walk and sends at once: nothing is lost, nothing is doubled."""

from benchmarks.volunteers import Kept, photograph, send_all, what_is_kept
from mapservice.survey import storage

VOLUNTEERS = 12


def test_twelve_who_all_send_twice_at_the_same_moment(make_database, serve, settings):
    picture = photograph(200, 150)

    def each_their_own(number):
        return picture + bytes([number])  # after the end of the picture: another file, the same to see

    with make_database() as database, serve(database) as address:
        sendings = send_all(address, VOLUNTEERS, each_their_own)
        assert {sending.status for sending in sendings} == {303}
        assert len(sendings) == 2 * VOLUNTEERS
        assert what_is_kept(database, sendings) == Kept(VOLUNTEERS, VOLUNTEERS, VOLUNTEERS, VOLUNTEERS)
        with database.reading() as cursor:
            digests = cursor.execute("SELECT sha256 FROM survey.files").fetchall()
    folder = storage.folder_of(settings.var_dir)
    assert all(storage.path_of(folder, digest).is_file() for (digest,) in digests)
