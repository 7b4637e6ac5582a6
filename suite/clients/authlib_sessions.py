"""PyPI Authlib: Worldline with a secret and with an assertion, MX by code."""
import os
import time
from urllib.parse import parse_qs, urlsplit

os.environ['AUTHLIB_INSECURE_TRANSPORT'] = '1'
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, jwt
from authlib.oauth2.rfc7523 import PrivateKeyJWT
import requests

from suite import base, call, callback, claims, customer, fintecture, introspect, mx, refused, same, worldline

realm = worldline['client']
key = open(realm['private_key']).read()


def credentials(token):
    same(list(token), ['access_token', 'expires_in', 'refresh_expires_in', 'token_type', 'not-before-policy',
                       'scope', 'expires_at'])
    same((token['token_type'], token['expires_in'], token['scope']), ('Bearer', 300, 'VOP WERO'))
    same((token['refresh_expires_in'], token['not-before-policy']), (0, 0))
    assert abs(token['expires_at'] - time.time() - 300) <= 5
    assert introspect(worldline, token['access_token'])['active']


def grant(session):
    return session.fetch_token(worldline['token_endpoint'], grant_type='client_credentials')


def secret(method, value=realm['client_secret'], scope='VOP WERO'):
    return OAuth2Session(realm['client_id'], value, scope=scope, token_endpoint_auth_method=method)


def assertion(subject, endpoint=worldline['token_endpoint']):
    return OAuth2Session(subject, key, scope='VOP WERO', token_endpoint_auth_method=PrivateKeyJWT(endpoint))


def told(code):
    return lambda why: same(why.error, code)


for method in ('client_secret_basic', 'client_secret_post'):
    call(f'worldline {method}', lambda: credentials(grant(secret(method))))
call('worldline private_key_jwt without kid', lambda: credentials(grant(assertion(realm['client_id']))))
call('worldline private_key_jwt, the registered subject', lambda: credentials(grant(assertion('5734699'))))
call('worldline private_key_jwt, the issuer as audience',
     lambda: credentials(grant(assertion(realm['client_id'], worldline['issuer']))))
refused('worldline private_key_jwt, audience of somebody else', OAuthError,
        lambda: grant(assertion(realm['client_id'], 'https://other.example/token')), told('invalid_client'))
refused('worldline private_key_jwt of nobody', OAuthError, lambda: grant(assertion('nobody')), told('invalid_client'))
refused('worldline basic, wrong secret', OAuthError,
        lambda: grant(secret('client_secret_basic', 'wrong')), told('invalid_client'))
refused('worldline post, wrong secret', OAuthError,
        lambda: grant(secret('client_secret_post', 'wrong')), told('invalid_client'))
refused('worldline, scope of another service', OAuthError,
        lambda: grant(secret('client_secret_post', scope='VOP IDEAL')), told('invalid_scope'))


def pis():
    app = fintecture['client']
    session = OAuth2Session(app['client_id'], app['client_secret'], scope='PIS')
    token = session.fetch_token(fintecture['token_endpoint'], grant_type='client_credentials')
    same((token['token_type'], token['expires_in'], token['scope']), ('Bearer', 3600, 'PIS'))


call('fintecture PIS', pis)
refused('fintecture, wrong secret: never taken for a token', OAuthError,
        lambda: OAuth2Session('finapp', 'wrong', scope='PIS').fetch_token(
            fintecture['token_endpoint'], grant_type='client_credentials'), told('invalid_client'))

app = mx['client']
verifier = 'x' * 48


def flow(**more):
    session = OAuth2Session(app['client_id'], app['client_secret'], scope='openid accounts', redirect_uri=callback,
                            code_challenge_method='S256')
    url, state = session.create_authorization_url(mx['authorization_endpoint'], code_verifier=verifier)
    back = customer(url)
    same(parse_qs(urlsplit(back).query)['iss'], [mx['issuer']])
    token = session.fetch_token(mx['token_endpoint'], authorization_response=back, state=state,
                                code_verifier=more.get('code_verifier', verifier))
    return session, dict(token)


def active(token):
    return introspect(mx, token['access_token'])['active']


def code():
    session, token = flow()
    same((token['token_type'], token['expires_in'], token['scope']), ('Bearer', 600, 'openid accounts'))
    keys = JsonWebKey.import_key_set(requests.get(mx['jwks_uri']).json())
    proven = jwt.decode(token['id_token'], keys)
    proven.validate()
    same((proven['iss'], proven['aud']), (mx['issuer'], app['client_id']))
    assert active(token)
    return session, token


def refresh(session, token):
    return dict(session.refresh_token(mx['token_endpoint'], refresh_token=token['refresh_token']))


def rotated(session, token):
    second = refresh(session, token)
    assert second['refresh_token'] != token['refresh_token']
    same(second['scope'], 'openid accounts')
    assert active(token), 'the access token before has died'
    return second


def revoke(session, token):
    for _ in range(2):
        answer = session.revoke_token(mx['revocation_endpoint'], token=token['refresh_token'],
                                      token_type_hint='refresh_token')
        same((answer.status_code, answer.text), (200, ''))
    assert not active(token)


session, first = call('mx code, the ID token verified by the JWKS', code) or (None, None)
second = call('mx refresh with the whole scope: rotated', lambda: rotated(session, first))
call('mx refresh again: the identical successor',
     lambda: same(refresh(session, first)['refresh_token'], second['refresh_token']))
call('mx revoke, twice', lambda: revoke(session, second))
refused('mx refresh after it', OAuthError, lambda: refresh(session, second), told('invalid_grant'))
refused('mx wrong code_verifier', OAuthError, lambda: flow(code_verifier='y' * 48), told('invalid_grant'))
call('mx userinfo with the session', lambda: same(
    (lambda s, t: s.get(base + '/userinfo').json()['sub'] == claims(t['id_token'])['sub'])(*flow()), True))
