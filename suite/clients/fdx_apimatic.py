"""PyPI fdx-apimatic-sdk, generated from the FDX 6.6 interface, at the MX token path."""
import time
from urllib.parse import parse_qs, urlencode, urlsplit

from fdxv660api.configuration import Configuration
from fdxv660api.exceptions.oauth_provider_exception import OauthProviderException
from fdxv660api.fdxv_660_api_client import Fdxv660ApiClient
from fdxv660api.http.auth.oauth_fapi_1_advanced import OauthFapi1AdvancedCredentials
from fdxv660api.http.auth.oauth_fapi_1_baseline import OauthFapi1BaselineCredentials

from suite import base, call, callback, customer, introspect, mx, refused, same

for servers in Configuration.environments.values():  # the package has no setting for the host
    for name in servers:
        servers[name] = base + '/oauth2/v4'
app = mx['client']
CHALLENGE = '6KzIpsXHPL0FR5JWgQdDABfmeRSHyiEbo59KKQ5mDbs'
VERIFIER = 'xUoBHaq0u81pgV2rtANgi2qQFCK9FxT3QhJhTJ-N8b0'


def client(secret=app['client_secret'], token=None):
    return Fdxv660ApiClient(
        oauth_fapi_1_advanced_credentials=OauthFapi1AdvancedCredentials(
            oauth_client_id=app['client_id'], oauth_client_secret=secret, oauth_redirect_uri=callback,
            oauth_scopes=['openid', 'accounts'], oauth_token=token),
        oauth_fapi_1_baseline_credentials=OauthFapi1BaselineCredentials(
            oauth_client_id=app['client_id'], oauth_client_secret=secret, oauth_scopes=['fdx:notifications:publish']))


def code():
    """The package builds no URL: `get_authorization_url` raises AttributeError."""
    url = mx['authorization_endpoint'] + '?' + urlencode({
        'client_id': app['client_id'], 'redirect_uri': callback, 'response_type': 'code', 'scope': 'openid accounts',
        'code_challenge': CHALLENGE, 'code_challenge_method': 'S256', 'state': 'st'})
    return parse_qs(urlsplit(customer(url)).query)['code'][0]


def redeem(verifier=VERIFIER, secret=app['client_secret']):
    return client(secret).oauth_fapi_1_advanced.fetch_token(code(), {'code_verifier': verifier})


def exchange():
    token = redeem()
    same((token.token_type, token.expires_in, token.scope), ('Bearer', 600, 'openid accounts'))
    assert abs(token.expiry - time.time() - 600) <= 5
    assert introspect(mx, token.access_token)['active']
    return token


def refresh(token):
    return client(token=token).oauth_fapi_1_advanced.refresh_token()


def rotated(token):
    second = refresh(token)
    assert second.refresh_token != token.refresh_token
    same((second.expires_in, second.scope), (600, 'openid accounts'))
    return second


def told(status, code):
    def look(why):
        same(why.response_code, status)
        same(str(getattr(why, 'error', None)), code)
    return look


first = call('code with code_verifier', exchange)
second = call('refresh: rotated', lambda: rotated(first))
call('refresh again: the identical successor', lambda: same(refresh(first).refresh_token, second.refresh_token))
refused('client_credentials is no grant of MX', OauthProviderException,
        lambda: client().oauth_fapi_1_baseline.fetch_token(), told(400, 'unsupported_grant_type'))
refused('wrong code_verifier', OauthProviderException, lambda: redeem('y' * 48), told(400, 'invalid_grant'))
refused('no code_verifier', OauthProviderException,
        lambda: client().oauth_fapi_1_advanced.fetch_token(code()), told(400, 'invalid_request'))
refused('wrong secret', OauthProviderException, lambda: redeem(secret='wrong'), told(401, 'invalid_client'))
