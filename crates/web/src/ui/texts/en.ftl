### Everything that people read on our pages, in English. To add a language: translate this file
### to texts/<tag>.ftl and add its line to the table in texts.rs. What is missing there is shown
### in English.
### `login-title`, `error-title`, `logout-title` and `logout-done` are frozen: the conformance suite
### looks for them.

## Every page

sandbox-banner = Sandbox: no real accounts, no real money
reference = Reference { $reference }
help = Help
privacy = Privacy
languages = Language
title-error = Error: { $title }
app-unnamed = the app
form-minutes = { $count ->
    [one] This page works for { $count } minute. After that, go back to the app and start again.
   *[other] This page works for { $count } minutes. After that, go back to the app and start again.
}

## Sign in

login-title = Sign in
login-asks-accounts = { $name } asks to see account information. Sign in to choose what it can see.
login-asks-details = { $name } asks to see who you are. Sign in to decide whether it can.
login-asks-payment = { $name } asks for a payment. Sign in to see it and to decide.
login-name = User name
login-password = Password
login-submit = Sign in
login-cancel = Cancel and go back to { $name }
login-wrong = User name or password are wrong.
login-attempts-left = { $count ->
    [one] { $count } attempt left.
   *[other] { $count } attempts left.
}
login-throttled = Too many attempts. Wait { $wait }, then try again.
login-missing = Enter your user name and your password.
login-papers = What { $name } says about itself:
login-demo = To try this out, sign in as one of these customers. Each has the password { $password }.

## Consent

signed-in-as = Signed in as { $name }
switch-account = Not you? Use another account
consent-title-choose = Choose the accounts { $name } can see
consent-title-empty = There is no account to share with { $name }
consent-title-not_needed = Share your details with { $name }
consent-title-pay = { $count ->
    [one] Approve the payment { $name } asks for
   *[other] Approve the payments { $name } asks for
}
consent-asks-choose = { $name } asked to see account information. This access has no end date.
consent-asks-choose-until = { $name } asked to see account information until { $date }.
consent-asks-empty = { $name } asked to see account information.
consent-asks-empty-until = { $name } asked to see account information until { $date }.
consent-asks-not_needed = { $name } asked to see the details below. This access has no end date.
consent-asks-not_needed-until = { $name } asked to see the details below until { $date }.
consent-asks-pay = { $name } asked for what is below. There is no end date.
consent-asks-pay-until = { $name } asked for what is below. It can use your approval until { $date }.
consent-authorised = It is authorised by { $regulator }.
consent-limits-choose = It cannot move money, and it sees only the accounts you choose.
consent-limits-not_needed = It cannot see your accounts, and it cannot move money.
consent-limits-choose-pay = { $count ->
    [one] It sees only the accounts you choose, and it can make no payment but the one below.
   *[other] It sees only the accounts you choose, and it can make no payments but those below.
}
consent-limits-pay = { $count ->
    [one] It cannot see your accounts, and it can make no payment but the one below.
   *[other] It cannot see your accounts, and it can make no payments but those below.
}
consent-empty = You have no account at this bank that can be shared, so nothing will be shared.
consent-accounts = Your accounts
consent-choose-one = Choose at least one account, or decline.
account-ending = ending { $digits }
consent-scopes = What it asked to see
connected-apps = Connected apps
consent-stop = You can stop this at any time in { $link }.
consent-deny = Decline
consent-allow = Continue
consent-go-back = Go back to { $name }

## Who the app is

about-title = About { $name }
about-authorisation = Authorisation
about-roles = Allowed to offer
about-certificate = Certificate
about-certificate-issuer = Valid, issued by { $issuer }
about-website = Website
about-known-since = Known here since
about-papers = Its own words
about-policy = Privacy policy
about-terms = Terms of use
role-psp_as = Payment accounts
role-psp_pi = Payments from an account
role-psp_ai = Account information
role-psp_ic = Card payments

## Scopes in plain words: the name, and what it covers

scope-ais = Accounts, balances and transactions
    .about = Name, number, currency and balance of the accounts you choose; date, amount, other party and description of their transactions.
scope-openid = A code that stands for you
    .about = The app recognises you by it. It says nothing about your name, your accounts or your password.
scope-customers = Your personal details
    .about = Your name, postal address, e-mail address and phone number.
scope-accounts = Accounts and balances
    .about = Name, number, type, currency and balance of the accounts you choose.
scope-transactions = Transactions
    .about = Date, amount, other party and description of each transaction of the accounts you choose.
scope-statements = Statements
    .about = The statements of the accounts you choose, as documents.
scope-profile = Your profile
    .about = Your name, birth date, gender, language, time zone, picture and website.
scope-email = Your e-mail address
    .about = Your e-mail address, and whether the bank has checked it.
scope-address = Your postal address
    .about = Your postal address.
scope-phone = Your phone number
    .about = Your phone number, and whether the bank has checked it.
scope-payments = Payments you approve one by one
    .about = The app can prepare payments. Each of them is shown to you before it is made.
scope-other = Other information: { $scope }
    .about = The bank has no description of this. Decline if you do not know what it is for.

## Sign out

logout-title = Do you want to sign out?
logout-asks = { $name } asks to sign you out of this bank in this browser.
logout-keeps = What you have allowed apps to see stays as it is.
logout-stay = Stay signed in
logout-confirm = Sign out
logout-done = You are signed out
logout-close = You can close this page. If others use this device, close the browser too.
logout-stayed = You are still signed in

## Authorization details in plain words

details-can = It can
details-until = Until
details-accounts = Account information
details-list-accounts = See the list of accounts
details-read-balances = See balances
details-read-transactions = See transactions
details-payment = Payment
details-amount = Amount
details-creditor = To
details-creditor-account = Account
details-reference = Reference
details-on = On
details-pay = Make this payment
details-follow-payment = See whether it was made
details-cancel-payment = Cancel it
details-fdx = Your financial data
details-of-accounts = From your accounts
details-of-customer = About you
details-of-documents = From your documents
details-duration = For how long
details-once = Once
details-until-stopped = Until it ends or you stop it
details-days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}
details-lookback = How far back
details-account-basic = Name and kind of each account
details-account-detailed = Numbers, balances and terms of each account
details-account-payments = What is needed to pay to and from each account
details-payment-support = What is needed to pay to and from each account
details-bills = Bills
details-customer-contact = Your name, addresses, e-mail and phone numbers
details-customer-personal = Personal details such as your birth date and tax number
details-images = Pictures of documents
details-investments = Investments
details-notifications = Notices about changes
details-rewards = Rewards
details-statements = Statements
details-tax = Tax forms
details-transactions = Transactions

## The way back to the app, in a browser without script

form-post-title = One more step
form-post-why = Your answer goes back to the app when you press this button.
form-post-submit = Continue

## When it cannot go on: what happened, and what to do

error-title = This request can’t continue
error-nothing-shared = You have not shared anything.
error-wait = Wait { $wait }.
error-back = Go back to { $name }
error-address-unknown = The app that sent you here used an address this bank does not know for it.
    .then = Go back to the app and try again, or contact its support with the reference below.
error-app-unknown = This bank does not know the app that sent you here, or no longer works with it.
    .then = Contact the support of the app with the reference below.
error-request-wrong = The app that sent you here asked for something this bank does not understand.
    .then = Go back to the app and try again, or contact its support with the reference below.
error-link-expired = This took longer than a request stays open.
    .then = Go back to the app and start again.
error-link-used = This request was already answered, or it was started in another browser.
    .then = Go back to the app and start again, in one browser.
error-form-foreign = The answer did not come from our page in this browser. The browser may be blocking cookies.
    .then = Allow cookies for this site, go back to the app and start again.
error-not-signed-out = The app that sent you here asked to sign you out in a way this bank does not accept. Nothing was changed.
    .then = Go back to the app and try again, or contact its support with the reference below.
error-sign-in-locked = There were too many attempts to sign in.
    .then = Then go back to the app and start again. If you have forgotten your password, ask the bank.
error-access-closed = Your access at this bank is closed at the moment.
    .then = Contact the bank with the reference below.
error-too-many-requests = Too many requests came from this address.
    .then = Then try again.
error-unavailable = The bank could not finish this request in time.
    .then = Go back to the app and see whether it worked. If not, try again in a few minutes.
error-page-unknown = There is no page at this address.
    .then = Check the address, or go back to the app and start again.
error-internal = Something went wrong on our side.
    .then = Go back to the app and try again. If it happens again, contact the bank with the reference below.

## Done, for an app that asks for the answer itself

done-title = Your answer is saved
done-back = You can close this page and go back to the app.

developer-title = For developers (sandbox only)
developer-error = Error
developer-sent = Sent
developer-registered = Registered
developer-difference = Difference
developer-fix = Fix

## Dates, times, amounts

date = { $day } { $month } { $year }
month-1 = January
month-2 = February
month-3 = March
month-4 = April
month-5 = May
month-6 = June
month-7 = July
month-8 = August
month-9 = September
month-10 = October
month-11 = November
month-12 = December
wait-seconds = { $count ->
    [one] { $count } second
   *[other] { $count } seconds
}
wait-minutes = { $count ->
    [one] { $count } minute
   *[other] { $count } minutes
}
amount-group = ,
amount-point = .
amount-negative = −{ $amount }
amount-with-symbol = { $symbol }{ $amount }
amount-with-code = { $amount }{"\u00A0"}{ $currency }
currency-EUR = €
currency-GBP = £
currency-USD = $
