"""PyPI requests-oauthlib and oauthlib: a Warning, which is an error, when the scope set differs."""
import os

os.environ['OAUTHLIB_INSECURE_TRANSPORT'] = '1'
from oauthlib.oauth2 import (BackendApplicationClient, InvalidClientError, InvalidGrantError, InvalidScopeError,
                             MismatchingStateError)
from requests_oauthlib import OAuth2Session

from suite import call, callback, customer, fintecture, introspect, mx, refused, same, worldline


def fetch(surface, scope, secret=None, **more):
    app = surface['client']
    session = OAuth2Session(client=BackendApplicationClient(client_id=app['client_id'], scope=scope), scope=scope)
    return session.fetch_token(surface['token_endpoint'], client_id=app['client_id'],
                               client_secret=secret or app['client_secret'], **more)


def worldline_token(scope, **more):
    token = fetch(worldline, scope, **more)
    same((token['token_type'], token['expires_in'], sorted(token.scopes)), ('Bearer', 300, sorted(scope)))
    assert not token.scope_changed
    assert introspect(worldline, token['access_token'])['active']


call('worldline basic', lambda: worldline_token(['VOP', 'WERO']))
call('worldline body', lambda: worldline_token(['VOP', 'WERO'], include_client_id=True, auth=lambda r: r))
call('worldline, narrower', lambda: worldline_token(['WERO']))
call('worldline, other order', lambda: worldline_token(['WERO', 'VOP']))
call('fintecture PIS', lambda: same(fetch(fintecture, ['PIS'])['expires_in'], 3600))
refused('worldline, wrong secret', InvalidClientError, lambda: fetch(worldline, ['VOP'], 'wrong'))
refused('fintecture, wrong secret', InvalidClientError, lambda: fetch(fintecture, ['PIS'], 'wrong'))
refused('worldline, scope of another service', InvalidScopeError, lambda: fetch(worldline, ['VOP', 'IDEAL']))

app = mx['client']
basic = (app['client_id'], app['client_secret'])


def start(scope=('openid', 'accounts', 'transactions')):
    session = OAuth2Session(app['client_id'], scope=list(scope), redirect_uri=callback, pkce='S256')
    url, _ = session.authorization_url(mx['authorization_endpoint'])
    return session, url


def redeem(session, back):
    return session.fetch_token(mx['token_endpoint'], authorization_response=back, auth=basic,
                               include_client_id=False)


def code():
    session, url = start()
    token = redeem(session, customer(url))
    same((token['token_type'], token['expires_in']), ('Bearer', 600))
    same(token['scope'], ['openid', 'accounts', 'transactions'])
    assert token['id_token']
    assert introspect(mx, token['access_token'])['active']
    return session, dict(token)


def with_client_id():
    session, url = start()
    assert session.fetch_token(mx['token_endpoint'], authorization_response=customer(url), auth=basic,
                               include_client_id=True)['access_token']


def refresh(session, token):
    return dict(session.refresh_token(mx['token_endpoint'], refresh_token=token['refresh_token'], auth=basic))


def rotated(session, token):
    second = refresh(session, token)
    assert second['refresh_token'] != token['refresh_token']
    return second


def replay(session, token):
    third = refresh(session, second)
    try:
        refresh(session, token)
    except InvalidGrantError:
        assert not introspect(mx, third['access_token'])['active']
        raise


session, first = call('mx code', code) or (None, None)
call('mx code, client_id beside Basic', with_client_id)
second = call('mx refresh: rotated', lambda: rotated(session, first))
call('mx refresh again: the identical successor',
     lambda: same(refresh(session, first)['refresh_token'], second['refresh_token']))
refused('mx replay ends the grant', InvalidGrantError, lambda: replay(session, first))
refused('mx answer to somebody else\'s request', MismatchingStateError,
        lambda: redeem(start()[0], customer(start()[1])))
